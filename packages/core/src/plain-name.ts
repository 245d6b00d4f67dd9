/** Whether a name is valid in NATS subjects and keys, and safe to print. */
export function isPlainName(text: string): boolean {
  return /^[A-Za-z0-9_-]{1,64}$/.test(text);
}
