/** Whether a name fits into NATS subjects and keys, and is safe to print. */
export function isPlainName(text: string): boolean {
  return /^[A-Za-z0-9_-]{1,64}$/.test(text);
}
