/** Simulates open dashboards, in a separate process on the load's core. */
import { fileURLToPath } from 'node:url';
import { runScript } from '../program.ts';

const script = fileURLToPath(new URL('./viewers.load.js', import.meta.url));

/** The process's argument, as JSON. */
export interface ViewersOptions {
  /** The query API. */
  readonly adminUrl: string;
  readonly viewers: number;
  readonly seconds: number;
}

/** The process's output, as JSON. */
export interface ViewersResult {
  /** The number of events that the slowest viewer received. */
  readonly fewestEvents: number;
}

/** The interval of the dashboard's events. */
export const eventEveryMs = 100;
const graceMs = 20_000;

/** @throws Error if a viewer got less than half of the expected events */
export async function runViewers(
  options: ViewersOptions,
  cores: readonly number[] | undefined,
): Promise<void> {
  const maxMs = options.seconds * 1_000 + graceMs;
  const { fewestEvents } = await runScript<ViewersResult>(script, options, { cores, maxMs });
  const wanted = (options.seconds * 1_000) / eventEveryMs;
  if (fewestEvents < wanted / 2)
    throw new Error(`a viewer got ${fewestEvents} events, want about ${wanted}`);
}
