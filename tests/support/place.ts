/** Where a process runs, and how to reach it. */

export interface Place {
  /** The address that it listens on. */
  readonly host: string;
  /** The prefix of its command. */
  readonly wrapper: readonly string[];
}

export const loopback: Place = { host: '127.0.0.1', wrapper: [] };
