/**
 * Program: `node viewers.load.js OPTIONS` sends the requests of many open dashboards
 * (packages/dashboard/src/main.ts and bursts-panel.ts); viewers.ts types its JSON.
 */
import { get } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { eventEveryMs, type ViewersOptions, type ViewersResult } from './viewers.ts';

const shownMs = 60_000;
const infoEveryMs = 5_000;
const burstsEveryMs = 10_000;

const { adminUrl, viewers, seconds }: ViewersOptions = JSON.parse(process.argv[2] ?? '');
const events = new Array<number>(viewers).fill(0);

function follow(viewer: number): void {
  get(`${adminUrl}/v1/live?period=ms10&every=${eventEveryMs}`, (response) => {
    response.setEncoding('latin1').on('data', (text: string) => {
      events[viewer] = (events[viewer] ?? 0) + text.split('\ndata: ').length - 1;
    });
  });
}

async function askAgainAndAgain(path: () => string, everyMs: number, firstMs: number) {
  for (await setTimeout(firstMs); ; await setTimeout(everyMs))
    get(adminUrl + path(), (response) => response.resume());
}

const bursts = (): string => {
  const to = Math.floor(Date.now() / 10) * 10 - 100;
  return `/v1/bursts?from=${to - shownMs}&to=${to}`;
};
for (let viewer = 0; viewer < viewers; viewer++) {
  follow(viewer);
  // Spreads requests over the interval.
  const share = viewer / viewers;
  void askAgainAndAgain(() => '/v1/info', infoEveryMs, share * infoEveryMs);
  void askAgainAndAgain(bursts, burstsEveryMs, share * burstsEveryMs);
}
await setTimeout(seconds * 1_000);
const result: ViewersResult = { fewestEvents: Math.min(...events) };
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
