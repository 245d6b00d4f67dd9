/** Which moment of each request the counts of logs mark. */

/** Of one log: when its requests started, or when they ended. */
export type Moment = 'start' | 'end';

export const logMoments = ['start', 'end', 'mixed'] as const;
/** Of all logs together: mixed if some count starts and others ends. */
export type LogMoment = (typeof logMoments)[number];

/**
 * What all logs have in common; undefined without a log, and if one of them leaves it open.
 * @param moments one for each log; undefined if it is unknown
 */
export function commonMoment(moments: Iterable<Moment | undefined>): LogMoment | undefined {
  const found = new Set(moments);
  if (found.has('start') && found.has('end')) return 'mixed';
  const [moment] = found;
  return found.size === 1 ? moment : undefined;
}

export function isMoment(value: unknown): value is Moment {
  return value === 'start' || value === 'end';
}

/** Reads the moment in a header of an answer. */
export function parseLogMoment(text: unknown): LogMoment | undefined {
  return logMoments.find((moment) => moment === text);
}

/** Completes a sentence about logs, such as "logs are …". */
export function momentText(moment: LogMoment): string {
  return moment === 'mixed'
    ? 'counted by the start of some requests and by the end of others'
    : `counted by the ${moment} of each request`;
}
