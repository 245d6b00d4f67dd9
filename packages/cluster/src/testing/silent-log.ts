/** A log for tests that do not look at it. */
import type { Log } from '@reto3/core';

const ignore = () => undefined;

export const silentLog: Log = {
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  fatal: ignore,
};
