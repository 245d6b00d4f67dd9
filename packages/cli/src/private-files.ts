/** Makes the files that this process creates from now on readable by this user only. */
export function keepFilesPrivate(): void {
  process.umask(process.umask() | 0o077);
}
