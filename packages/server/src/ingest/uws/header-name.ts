/**
 * The name of a header as bytes. With a string, uWebSockets.js converts the name on every lookup,
 * which takes about twice as long.
 */
export function bytesOf(name: string): ArrayBuffer {
  const bytes = new ArrayBuffer(name.length);
  new Uint8Array(bytes).set(Buffer.from(name, 'latin1'));
  return bytes;
}
