/** Translates errors of LevelDB and of the file system into errors with a code and a cure. */
import { type ErrorCode, messageOf, Reto3Error } from '@reto3/core';

/** The error to show if the database in `folder` cannot be opened or read. */
export function openFailure(folder: string, error: unknown): Reto3Error {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const reason = messageOf(cause);
  const failure = (code: ErrorCode, why: string, hint = {}): Reto3Error =>
    new Reto3Error(code, `cannot open the data folder ${folder}: ${why}`, { cause, ...hint });
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
  return failure('RETO3_DATA_UNREADABLE', reason, hintOf(cause));
}

/** The error to show if a file of the data folder exists and cannot be read. */
export function fileUnreadable(folder: string, file: string, cause: unknown): Reto3Error {
  const message = `cannot read ${file} in the data folder ${folder}: ${messageOf(cause)}`;
  return new Reto3Error('RETO3_DATA_UNREADABLE', message, { cause, ...hintOf(cause) });
}

/** The error to show if rows of an open data folder cannot be read. */
export function readFailure(folder: string, error: unknown): Reto3Error {
  if (error instanceof Reto3Error) return error;
  const message = `cannot read the data folder ${folder}: ${messageOf(error)}`;
  return new Reto3Error('RETO3_DATA_UNREADABLE', message, { cause: error, ...hintOf(error) });
}

const failingDisk =
  'the disk fails: copy the folder to another disk, such as with ddrescue, and repair that copy';
const readOnly = 'copy the folder to a disk that can be written: opening it writes files';

/** A better cure than that of the error's code, if there is one. */
export function hintOf(cause: unknown): { readonly hint?: string } {
  // LevelDB has no codes for these, only the texts of the operating system.
  const text = messageOf(cause);
  if (codeOf(cause) === 'EIO' || text.endsWith(': Input/output error'))
    return { hint: failingDisk };
  if (codeOf(cause) === 'EROFS' || text.endsWith(': Read-only file system'))
    return { hint: readOnly };
  return {};
}

/** The error to show if the first write to `folder` fails. */
export function firstWriteFailure(folder: string, error: unknown): Reto3Error {
  if (isDiskFull(error)) return diskFull('write to', folder, error);
  // The cure of RETO3_STORE_FAILING is that of a server that has started.
  if (error instanceof Reto3Error && error.code !== 'RETO3_STORE_FAILING') return error;
  const message = `cannot write to the data folder ${folder}: ${messageOf(error)}`;
  return new Reto3Error('RETO3_DATA_UNREADABLE', message, { cause: error });
}

export function diskFull(verb: string, folder: string, cause: unknown): Reto3Error {
  const message = `cannot ${verb} the data folder ${folder}: no space left on its disk`;
  return new Reto3Error('RETO3_DISK_FULL', message, { cause });
}

/**
 * Whether a disk is full, or a quota. LevelDB has no code for either, only the text of the operating
 * system.
 */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const full =
    ['ENOSPC', 'EDQUOT'].includes(String(codeOf(error))) ||
    /: (?:No space left on device|Disk quota exceeded)$/.test(error.message);
  return full || isDiskFull(error.cause);
}

/**
 * Whether the error comes from abstract-level or LevelDB, as opposed to the code that calls them. A
 * synchronous read gives only corruption a code; the text of any other error of LevelDB begins with
 * its kind.
 */
export function isDatabaseError(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== undefined) return String(code).startsWith('LEVEL_');
  return (
    error instanceof Error && /^(?:IO error|Invalid argument|Not implemented): /.test(error.message)
  );
}

/** Whether the store cannot be read now: its database fails, or is being opened again. */
export function isStoreFailure(error: unknown): boolean {
  return isDatabaseError(error) || codeOf(error) === 'RETO3_STORE_FAILING';
}

/** The `code` of an error of Node.js or abstract-level; undefined if it has none. */
export function codeOf(thrown: unknown): unknown {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown
    ? thrown.code
    : undefined;
}
