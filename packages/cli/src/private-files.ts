/** From now on, files that the process creates are readable by this user only. */
export function keepFilesPrivate(): void {
  process.umask(process.umask() | 0o077);
}
