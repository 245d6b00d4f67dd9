/** What a check found. */

export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly says: string;
  /** What to do about it; absent where all is well. */
  readonly cure?: string;
}

export function ok(check: string, says: string): Finding {
  return { check, state: 'ok', says };
}

export function warn(check: string, says: string, cure: string): Finding {
  return { check, state: 'warn', says, cure };
}

export function fail(check: string, says: string, cure: string): Finding {
  return { check, state: 'fail', says, cure };
}
