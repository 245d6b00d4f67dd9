/**
 * Every error that a user can meet: its code and its cure. The query API has the HTTP status of each
 * (api/http-status.ts in the server), the command line its exit code (exit-code.ts there).
 *
 * The codes are API; scripts match on them, messages may change. docs/errors.md lists the same
 * codes, and a test of the command line holds it to all three tables. Broken invariants of our own
 * are plain `Error`s whose message starts with BUG.
 */

/** What to do about it: one sentence without a full stop, for it stands in brackets too. */
export const errorHints = {
  RETO3_BAD_COMMAND: 'see reto3 --help for the commands',
  RETO3_BAD_FLAG: 'see the flags of the command with --help',
  RETO3_BAD_PERIOD: 'use ms10 (10 ms), sec (1 s) or min (60 s)',
  RETO3_BAD_TIME:
    'use ISO 8601 such as 2016-05-28T11:11:11Z, epoch seconds (10 digits) or milliseconds (13), or an age such as 90s, 5m, 2h, 1d',
  RETO3_BAD_RANGE: 'give --from before --to, or --last alone or with --to',
  RETO3_BAD_FORMAT: 'leave the format out for the default one',
  RETO3_BAD_SETTING: 'see reto3 serve --help',
  RETO3_BAD_REPORT:
    'give --report lag, generated, top, sizes, or a module that exports a report; see docs/reports.md',
  RETO3_NO_REPORT: 'see reto3 reports; start the server with --report',
  RETO3_REPORT_FAILED: 'mend the report, or give a new name to one that keeps something else now',
  RETO3_BAD_REQUEST: 'see /openapi.json for what is understood',
  RETO3_UNAUTHORIZED: 'send the header "Authorization: Bearer <token>"',
  RETO3_FORBIDDEN: 'start the server with --admin-token-file, or ask on its own machine',
  RETO3_WRONG_HOST: 'ask by address, or start the server with that name as --admin-name',
  RETO3_NOT_FOUND: 'see /openapi.json for what is there',
  RETO3_NOT_READY: 'wait, or see the reason in /readyz',
  RETO3_BUSY: 'ask again in a while, or for less at a time',
  RETO3_INTERNAL: 'this is a fault in reto3; see the log',
  RETO3_SERVER_NOT_REACHABLE: 'start it with "reto3 serve", or name its query API with --url',
  RETO3_ANSWER_CUT: 'ask again; if that fails too, the log of the server says why',
  RETO3_NO_DATA: 'widen the range, or add --open',
  RETO3_PORT_TAKEN: 'stop the process that listens there, or choose another port',
  RETO3_CANNOT_LISTEN: 'choose an address of this machine and a port that you may open',
  RETO3_DATA_LOCKED: 'stop the server that holds it, or choose another --data-dir',
  RETO3_DATA_UNREADABLE:
    'make the folder readable and writable for this user, or choose another --data-dir',
  RETO3_DISK_FULL: 'free space on the disk of the data folder, or choose another --data-dir',
  RETO3_DATA_CORRUPT:
    'run reto3 doctor --repair on it, which keeps a copy, or choose another --data-dir',
  RETO3_DATA_VERSION:
    'read it with the version of reto3 that wrote it, or choose another --data-dir',
  RETO3_STORE_FAILING:
    'free space or mend the disk; the server goes on by itself, and counts meanwhile',
  RETO3_BLOCK_DAMAGED: 'ask for a range that leaves the damaged block out',
  RETO3_BACKUP_DAMAGED: 'use another backup; nothing was restored from this one',
  RETO3_FOLDER_NOT_EMPTY: 'name an empty folder, or one that is not there yet',
  RETO3_FILE_UNWRITABLE: 'name a file in a folder that you may write to, with space left',
  RETO3_CHECK_FAILED:
    'see the lines above; reto3 doctor --repair mends the folder of a stopped server, and keeps a copy',
  RETO3_NO_CLUSTER: 'ask a server that was started with --nats and --role merge or both',
  RETO3_NO_SUCH_NODE: 'name one of the nodes that reto3 cluster lists',
  RETO3_NATS_AWAY:
    'see that the NATS servers run and let this server in; it goes on trying, and counts meanwhile',
  RETO3_STREAM_UNFIT: 'choose another --nats-stream and --nats-subject, or delete that stream',
  RETO3_BAD_SQL: 'docs/queries.md has the columns of messages and counts, and ten examples',
  RETO3_NO_ARCHIVE:
    'start the server with --archive; the archive is read on its own machine, or with --data-dir from a copy',
  RETO3_ARCHIVE_DAMAGED:
    'reto3 audit names what is bad; a server needs no file of the archive to count, so it may be moved away',
  RETO3_ARCHIVE_CHANGED:
    'run it again: the server changed files of the archive while they were read',
  RETO3_DUCKDB_MISSING:
    'install with optional dependencies, on Linux with glibc, macOS or Windows; or leave --archive out',
  RETO3_UWS_MISSING:
    'run Node.js 20, 22, 24 or 25 on glibc 2.38 or newer, or Node.js 20 on glibc 2.27 or newer',
} as const satisfies Record<string, string>;

export type ErrorCode = keyof typeof errorHints;

/**
 * An error that a user can do something about. `cause` holds the lower failure, if there is one.
 */
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

/** The text of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
