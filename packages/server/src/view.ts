/**
 * Serves the query API and the dashboard over a data folder that no server counts into, for `reto3
 * view`. Holds the lock of the folder and writes no counts.
 */
import { resolve } from 'node:path';
import type { Info } from '@reto3/client/answers';
import {
  type Chunk,
  type Log,
  Metrics,
  min,
  ms10,
  Reto3Error,
  sec,
  systemClock,
} from '@reto3/core';
import { Coordinator, HeldFolder, readChunks } from '@reto3/engine';
import { allocate, RingReader } from '@reto3/engine/ring';
import { ReportLedgers } from '@reto3/reports';
import { LiveFeeds } from './api/live-feeds.ts';
import { QueryApi } from './api/server.ts';
import { resolveConfig } from './config/resolve-config.ts';

/** Description of the viewed counts, for the page. */
export type Viewed = Pick<NonNullable<Info['viewed']>, 'source' | 'format'> & {
  /** The resolution of the clock; determined from the counts if absent. */
  readonly resolutionMs?: number;
};

export interface FolderView {
  /** The URL of the page, including the range of the counts. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * @param port on loopback; 0 for a free one
 * @throws Reto3Error RETO3_DATA_LOCKED, RETO3_DATA_UNREADABLE, RETO3_NO_DATA, RETO3_PORT_TAKEN …
 */
export async function viewFolder(
  folder: string,
  viewed: Viewed,
  port: number,
  log: Log,
): Promise<FolderView> {
  const held = new HeldFolder(folder);
  const store = await held.openExistingStore();
  try {
    const config = { ...resolveConfig({}, {}), adminPort: port, workers: 0 };
    const ignore = (): void => undefined;
    const coordinator = await Coordinator.open({
      clock: systemClock,
      // No worker adds to this ring.
      ring: new RingReader(allocate(0)),
      workerCount: 0,
      store,
      anchor: held.anchor,
      journals: held.journals,
      node: viewed.source,
      events: { clockStepped: ignore, stalled: ignore, damaged: ignore },
    });
    const counted = await countedIn(coordinator);
    if (counted === undefined)
      throw new Reto3Error('RETO3_NO_DATA', `nothing was counted in ${folder}`);
    const { from, to } = counted;
    const resolutionMs = viewed.resolutionMs ?? counted.resolutionMs;
    const { moment } = coordinator;
    const api = await QueryApi.listen({
      config: { ...config, node: viewed.source },
      tls: undefined,
      coordinator,
      feeds: new LiveFeeds({ coordinator, cluster: undefined }, log),
      ledgers: await ReportLedgers.open([], store, systemClock, {
        switchedOff: ignore,
        damaged: ignore,
        erred: ignore,
      }),
      archive: undefined,
      cluster: undefined,
      dataDir: resolve(folder),
      metrics: new Metrics(),
      log,
      viewed: { ...viewed, ...(moment && { moment }), resolutionMs, from, to },
      ingestLoad: () => 0,
      connectionsWithoutMessage: () => 0,
    });
    api.ready({ uwsVersion: 'not loaded' });
    return {
      url: `${api.url}/#from=${from}&to=${to}`,
      close: async () => {
        await api.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

type Counted = Required<Pick<NonNullable<Info['viewed']>, 'from' | 'to' | 'resolutionMs'>>;

/** From the first counted second (or minute, if seconds are deleted) to the last. */
async function countedIn(coordinator: Coordinator): Promise<Counted | undefined> {
  const view = coordinator.view();
  const all = { from: view.oldest, to: view.countedEnd ?? view.newestEnd };
  const ignore = (): void => undefined;
  try {
    for (const period of [sec, min]) {
      const { windowMs } = period;
      const from = await firstOf(readChunks(view, period, all, ignore), ({ start, windows }) =>
        windows.counted.includes(1) ? start + windows.counted.indexOf(1) * windowMs : undefined,
      );
      const backwards = readChunks(view, period, { ...all, reverse: true }, ignore);
      const to = await firstOf(backwards, ({ start, windows }) =>
        windows.counted.includes(1)
          ? start + (windows.counted.lastIndexOf(1) + 1) * windowMs
          : undefined,
      );
      if (from === undefined || to === undefined) continue;
      const newest = readChunks(view, ms10, { ...all, reverse: true }, ignore);
      const isFine = await firstOf(newest, ({ windows }) => windows.counted.includes(1));
      return { from, to, resolutionMs: isFine === true ? ms10.windowMs : sec.windowMs };
    }
    return undefined;
  } finally {
    await view.store.close();
  }
}

/** The first defined result over the chunks. */
async function firstOf<T>(
  chunks: AsyncIterable<Chunk>,
  ask: (chunk: Chunk) => T | undefined,
): Promise<T | undefined> {
  for await (const chunk of chunks) {
    const answer = ask(chunk);
    if (answer !== undefined) return answer;
  }
  return undefined;
}
