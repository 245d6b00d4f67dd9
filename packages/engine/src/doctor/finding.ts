/** The result of one check of `reto3 doctor`. */

export interface Finding {
  /** The name of the check; one check may have several findings. */
  readonly check: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly says: string;
  /** What to do about it; absent if the state is ok. */
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
