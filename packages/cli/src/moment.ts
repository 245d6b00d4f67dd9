/** Tells the user which moment of each request the logs among the counts mark. */
import { type LogMoment, momentText } from '@reto3/core';
import { noteOnStderr, type Say } from './terminal/notes.ts';

/** @param moment undefined if there is none to tell */
export function noteMoment(moment: LogMoment | undefined, say: Say = noteOnStderr): void {
  if (moment !== undefined) say(`logs are ${momentText(moment)}`);
}
