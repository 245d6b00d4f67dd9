/**
 * The name of a header as bytes: looking one up by a string makes uWebSockets.js convert it every
 * time, and takes about twice as long.
 */
export function bytesOf(name: string): ArrayBuffer {
  const bytes = new ArrayBuffer(name.length);
  new Uint8Array(bytes).set(Buffer.from(name, 'latin1'));
  return bytes;
}
