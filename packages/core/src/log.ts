/** Writes one line: a message, or fields and a message. */
interface LogLine {
  (message: string): void;
  (fields: object, message: string): void;
}

/** Where the parts of a server log to. */
export interface Log {
  readonly debug: LogLine;
  readonly info: LogLine;
  readonly warn: LogLine;
  readonly error: LogLine;
  readonly fatal: LogLine;
}
