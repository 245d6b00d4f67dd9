/** Logs a line: a message, or fields and a message. */
interface LogLine {
  (message: string): void;
  (fields: object, message: string): void;
}

/** What the packages log to; pino implements it. */
export interface Log {
  readonly debug: LogLine;
  readonly info: LogLine;
  readonly warn: LogLine;
  readonly error: LogLine;
  readonly fatal: LogLine;
}
