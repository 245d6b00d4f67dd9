/**
 * Every error that a user can meet: its code and its cure. The server maps codes to HTTP statuses
 * (api/http-status.ts), the command line to exit codes (exit-code.ts).
 *
 * Codes are API: scripts match on them, while messages may change. A test of the command line keeps
 * docs/errors.md and all three tables in step. A broken invariant is a plain `Error` whose message
 * starts with BUG.
 */

/** The cure: one sentence without a full stop, since it is also printed in brackets. */
export const errorHints = {
  RETO3_BAD_COMMAND: 'see reto3 --help for the commands',
  RETO3_BAD_FLAG: 'add --help to the command to see its flags',
  RETO3_BAD_PERIOD: 'use ms10 (10 ms), sec (1 s) or min (60 s)',
  RETO3_BAD_TIME:
    'use ISO 8601 such as 2016-05-28T11:11:11Z, epoch seconds (10 digits) or milliseconds (13), or an age such as 90s, 5m, 2h, 1d',
  RETO3_BAD_RANGE: 'put --from before --to, or use --last, alone or with --to',
  RETO3_BAD_FORMAT: 'leave the format out to get the default',
  RETO3_BAD_SETTING: 'see reto3 serve --help',
  RETO3_BAD_REPORT:
    'give --report lag, generated, top, sizes, by:KEY or the path of a module; see docs/reports.md',
  RETO3_NO_REPORT: 'list the reports with reto3 reports, or start the server with --report',
  RETO3_REPORT_CHANGED:
    'raise its version and give it migrate, or start once with --report-changed anew, which deletes its stored rows',
  RETO3_REPORT_FAILED: 'fix the report, or rename it if it now stores something else',
  RETO3_BAD_REQUEST: 'see /openapi.json for every route and its parameters',
  RETO3_UNAUTHORIZED: 'send the header "Authorization: Bearer <token>"',
  RETO3_FORBIDDEN: 'start the server with --admin-token-file, or run the command on its machine',
  RETO3_WRONG_HOST: 'use the IP address of the server, or start it with that name as --admin-name',
  RETO3_NOT_FOUND: 'see /openapi.json for every route',
  RETO3_NOT_READY: 'wait, or read the reason at /readyz',
  RETO3_BUSY: 'try again later, or ask for less at a time',
  RETO3_INTERNAL: 'this is a bug in reto3; the server log has the details',
  RETO3_SERVER_NOT_REACHABLE:
    'start it with "reto3 serve", or give the address of its query API with --url',
  RETO3_ANSWER_CUT: 'run it again; if that fails too, the server log has the reason',
  RETO3_NO_DATA: 'widen the range, or add --open',
  RETO3_PORT_TAKEN: 'stop the process that listens there, or choose another port',
  RETO3_CANNOT_LISTEN: 'choose an address of this machine and a port that this user may open',
  RETO3_DATA_LOCKED: 'stop the server that uses it, or choose another --data-dir',
  RETO3_DATA_UNREADABLE: 'let this user read and write the folder, or choose another --data-dir',
  RETO3_DISK_FULL: 'free space, or choose a --data-dir on another disk',
  RETO3_DATA_CORRUPT: 'run reto3 doctor --repair, which keeps a copy, or choose another --data-dir',
  RETO3_DATA_VERSION: 'use the version of reto3 that wrote it, or choose another --data-dir',
  RETO3_STORE_FAILING:
    'free space or fix the disk; the server keeps counting and recovers by itself',
  RETO3_BLOCK_DAMAGED: 'ask for a range without the damaged block',
  RETO3_BACKUP_DAMAGED: 'use another backup; nothing was restored from this one',
  RETO3_FOLDER_NOT_EMPTY: 'name an empty or a new folder',
  RETO3_FILE_UNWRITABLE: 'choose a folder that you may write to, on a disk with free space',
  RETO3_CHECK_FAILED:
    'see the lines above; to repair, stop the server and run reto3 doctor --repair, which keeps a copy',
  RETO3_NO_CLUSTER: 'ask a server started with --nats and --role merge or both',
  RETO3_NO_SUCH_NODE: 'run reto3 cluster to list the nodes',
  RETO3_NATS_AWAY:
    'check that NATS runs and accepts this server, which keeps counting and retrying',
  RETO3_STREAM_UNFIT: 'choose another --nats-stream and --nats-subject, or delete that stream',
  RETO3_LOG_UNREADABLE: 'name a log that this user may read; - is stdin',
  RETO3_LOG_UNKNOWN: 'name its format with --log-format, or describe its lines with --pattern',
  RETO3_LOG_CHANGED: 'import it into another --data-dir, or restore its old lines',
  RETO3_BAD_SQL: 'see docs/queries.md for the columns and ten examples',
  RETO3_NO_ARCHIVE:
    'start the server with --archive, and run this on its machine or on a copy with --data-dir',
  RETO3_ARCHIVE_DAMAGED:
    'run reto3 audit to find the bad files; no server needs them to count, so you may move them away',
  RETO3_ARCHIVE_CHANGED: 'run it again; the next run reads the new files',
  RETO3_DUCKDB_MISSING:
    'install @duckdb/node-api (on Linux with glibc, macOS or Windows), or leave out --archive',
  RETO3_OTLP_MISSING: 'install with optional dependencies, or leave out --otlp-url',
  RETO3_UWS_MISSING:
    'serve with --http node: a third of the requests a second, on any platform of Node.js (tried on Debian 12 and 13 with Node.js 20 and 24, and on musl with Node.js 26); or run Node.js 20, 22, 24 or 25 on glibc 2.38 or newer, or Node.js 20 on glibc 2.27 or newer',
} as const satisfies Record<string, string>;

export type ErrorCode = keyof typeof errorHints;

/** An error that a user can act on. `cause` is the underlying failure, if any. */
export class Reto3Error extends Error {
  override readonly name = 'Reto3Error';
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(
    code: ErrorCode,
    message: string,
    options?: { readonly cause?: unknown; readonly hint?: string },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options?.hint ?? errorHints[code];
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    // Code of others may throw anything, such as an object without `toString`.
    return typeof thrown;
  }
}
