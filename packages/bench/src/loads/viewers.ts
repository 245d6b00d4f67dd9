/** Runs viewers in a process of their own, on the load's core: what dashboards ask of a server. */
import { fileURLToPath } from 'node:url';
import { runProgram } from '../program.ts';

const script = fileURLToPath(new URL('./viewers.load.js', import.meta.url));

/** Asked of the process, as JSON in its argument. */
export interface ViewersOptions {
  /** Of reto3's query API. */
  readonly adminUrl: string;
  readonly viewers: number;
  readonly seconds: number;
}

/** Printed by the process, as JSON. */
export interface ViewersResult {
  /** Events that came to the viewer that got the fewest. */
  readonly fewestEvents: number;
}

/** As often as the dashboard wants events. */
export const eventEveryMs = 100;
const graceMs = 20_000;

/** @throws Error if a viewer got less than half of what a server that keeps up sends */
export async function runViewers(
  options: ViewersOptions,
  cores: readonly number[] | undefined,
): Promise<void> {
  const printed = await runProgram(process.execPath, [script, JSON.stringify(options)], {
    cores,
    mostMs: options.seconds * 1_000 + graceMs,
  });
  // Written by viewers.load.ts of the same build.
  const { fewestEvents }: ViewersResult = JSON.parse(printed);
  const wanted = (options.seconds * 1_000) / eventEveryMs;
  if (fewestEvents < wanted / 2)
    throw new Error(`a viewer got ${fewestEvents} events, want about ${wanted}`);
}
