/** Translates errors of LevelDB and of the file system into errors with a code and a cure. */
import { type ErrorCode, messageOf, Reto3Error } from '@reto3/core';

/** The error to show if the database in `folder` cannot be opened or read. */
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
      // The folder exists, so a file of the database is missing: the manifest, if a bit flipped in
      // CURRENT. No permission cures that.
      if (reason.endsWith(': No such file or directory'))
        return failure('RETO3_DATA_CORRUPT', reason);
  }
  return failure('RETO3_DATA_UNREADABLE', reason);
}

/** The error to show if the first write to `folder` fails. */
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

/** LevelDB has no code for a full disk, only the text of the operating system. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const full = codeOf(error) === 'ENOSPC' || /: No space left on device$/.test(error.message);
  return full || isDiskFull(error.cause);
}

/** The `code` of an error of Node.js or abstract-level; undefined if it has none. */
export function codeOf(thrown: unknown): unknown {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown
    ? thrown.code
    : undefined;
}
