/** From now on only this user may read what the process writes: counts, and bodies of messages. */
export function keepFilesPrivate(): void {
  process.umask(process.umask() | 0o077);
}
