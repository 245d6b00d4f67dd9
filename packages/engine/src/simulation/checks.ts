/** What the simulated server has, compared with what it promised. */
import { ms10, type PeriodName, periodNames, periods, totalOf } from '@reto3/core';
import type { CountsView } from '../coordinator/coordinator.ts';
import { readChunks } from '../query/chunks.ts';
import { aheadSlots } from '../ring/layout.ts';
import { codeOf } from '../store/database-failure.ts';
import { allTime } from '../store/store.ts';
import { flushMs, type SimulatedServer, settle } from './server.ts';
import { Violation } from './violation.ts';

/** How many messages a reader of a period must see. */
export function visible({ coordinator, messages }: SimulatedServer, name: PeriodName): number {
  return messages.sent - messages.deleted(name, coordinator.state().deletedBefore);
}

/** The sum of the windows of a period, up to a time, epoch ms. */
export async function total(
  { coordinator }: SimulatedServer,
  name: PeriodName,
  to = allTime.to,
): Promise<number> {
  const view = coordinator.view();
  let messages = 0;
  try {
    for await (const { windows } of readChunks(view, periods[name], { from: 0, to }))
      messages += totalOf(windows);
  } finally {
    await view.store.close();
  }
  return messages;
}

/** A view of all counts; undefined if the store cannot be read now. */
export function viewOf({ coordinator }: SimulatedServer): CountsView | undefined {
  try {
    return coordinator.view();
  } catch (error) {
    // Between a failed write and the next beat, the store may be closed.
    if (codeOf(error) === 'RETO3_STORE_FAILING') return undefined;
    throw error;
  }
}

/** Reads all periods and compares their sums with the messages sent. @throws Violation */
export async function check(server: SimulatedServer, when: string): Promise<void> {
  const { clock, coordinator, damages, disk } = server;
  const [damage] = damages;
  if (damage !== undefined) throw new Violation(`${when}: ${damage}`);
  if (disk.failing || disk.slow) return;
  const view = viewOf(server);
  if (view === undefined) return;
  await view.store.close();
  const aheadMs = view.newestEnd - clock.wallMs;
  if (aheadMs > aheadSlots * ms10.windowMs)
    throw new Violation(`${when} the newest window ends ${aheadMs} ms ahead`);
  for (const name of periodNames) {
    const [found, want] = [await total(server, name), visible(server, name)];
    if (found !== want) throw new Violation(`${when} ${name} adds up to ${found}, want ${want}`);
  }
  const { messagesInAll } = coordinator.state();
  const want = visible(server, 'min');
  if (messagesInAll !== want)
    throw new Violation(`${when} the state says ${messagesInAll} in all, want ${want}`);
  server.note(`checked ${want}`);
}

/**
 * Starts the server again. Its rows must add up to its counts. Returns how many messages it found,
 * also those that retention has deleted.
 * @throws Violation
 */
export async function startAgain(server: SimulatedServer): Promise<number> {
  await server.start();
  const { coordinator, messages, process } = server;
  const { deletedBefore } = coordinator.state();
  const found = (await total(server, 'ms10')) + messages.deleted('ms10', deletedBefore);
  const inRows = await process.tally.stored();
  if (inRows !== found)
    throw new Violation(`the rows add up to ${inRows}, and the counts to ${found}`);
  return found;
}

/** The disk works: everything must be written and acknowledged within seconds. @throws Violation */
export async function expectRecovery(server: SimulatedServer): Promise<void> {
  server.endTrouble();
  for (let beat = 0; beat < 15; beat++) {
    await settle();
    await server.beat(3 * flushMs);
  }
  const unsaved = server.coordinator.state().messagesUnsaved;
  if (unsaved !== 0) throw new Violation(`the disk works, and ${unsaved} messages are not written`);
  const { acknowledged, sent } = server.messages;
  if (server.ack === 'durable' && acknowledged !== sent)
    throw new Violation(`the disk works, and ${acknowledged} of ${sent} are acknowledged`);
}

/** The server must know that its disk fails, and refuse to commit. @throws Violation */
export async function expectFailing({ coordinator }: SimulatedServer): Promise<void> {
  if (!coordinator.flusher.isFailing) throw new Violation('the server has not noticed');
  const outcome = await coordinator.commit().then(() => 'success', codeOf);
  if (outcome !== 'RETO3_STORE_FAILING') throw new Violation(`a commit ended with ${outcome}`);
}

/** The server must have reported a reason that contains a text. @throws Violation */
export function expectReported({ reasons }: SimulatedServer, text: string): void {
  if ([...reasons].some((reason) => reason.includes(text))) return;
  throw new Violation(`the server reported only ${[...reasons].join(', ')}, want ${text} too`);
}

/** No ms10 window from a time on (epoch ms) may be revised. @throws Violation */
export async function expectUnrevised(server: SimulatedServer, from: number): Promise<void> {
  const view = server.coordinator.view();
  try {
    for await (const { windows } of readChunks(view, ms10, { from, to: server.clock.wallMs }))
      if (windows.revised.includes(1)) throw new Violation('a new window is revised');
  } finally {
    await view.store.close();
  }
}
