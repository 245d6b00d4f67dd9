/** Where a process runs, and how it is reached there. */

export interface Place {
  /** What it listens on for those who ask it things. */
  readonly host: string;
  /** What stands in front of its command. */
  readonly wrapper: readonly string[];
}

export const loopback: Place = { host: '127.0.0.1', wrapper: [] };
