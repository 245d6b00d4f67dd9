/** Translates the failures of LevelDB and of its folder. */
import { type ErrorCode, messageOf, Reto3Error } from '@reto3/core';

/** What it means that the database in `folder` could not be opened, or read. */
export function openFailure(folder: string, error: unknown): Reto3Error {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const reason = messageOf(cause);
  const failure = (code: ErrorCode, why: string): Reto3Error =>
    new Reto3Error(code, `cannot open the data folder ${folder}: ${why}`, { cause });
  if (isDiskFull(cause)) return diskFull('open', folder, cause);
  switch (codeOf(cause)) {
    case 'LEVEL_LOCKED':
      return failure('RETO3_DATA_LOCKED', 'another server holds it');
    case 'LEVEL_CORRUPTION':
      return failure('RETO3_DATA_CORRUPT', reason);
    case 'LEVEL_IO_ERROR':
      // The folder is there, so a file of the database is missing: the manifest, where a bit of
      // CURRENT flipped. Permissions do not mend that.
      if (reason.endsWith(': No such file or directory'))
        return failure('RETO3_DATA_CORRUPT', reason);
  }
  return failure('RETO3_DATA_UNREADABLE', reason);
}

/** What it means for a server that starts that its first write failed. */
export function firstWriteFailure(folder: string, error: unknown): Reto3Error {
  if (isDiskFull(error)) return diskFull('write to', folder, error);
  if (error instanceof Reto3Error) return error;
  const message = `cannot write to the data folder ${folder}: ${messageOf(error)}`;
  return new Reto3Error('RETO3_DATA_UNREADABLE', message, { cause: error });
}

export function diskFull(verb: string, folder: string, cause: unknown): Reto3Error {
  const message = `cannot ${verb} the data folder ${folder}: no space left on its disk`;
  return new Reto3Error('RETO3_DISK_FULL', message, { cause });
}

/** LevelDB has no code of its own for it, only the words of the operating system. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const full = codeOf(error) === 'ENOSPC' || /: No space left on device$/.test(error.message);
  return full || isDiskFull(error.cause);
}

export function codeOf(thrown: unknown): unknown {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown
    ? thrown.code
    : undefined;
}
