import { VirtualClock } from '@reto3/core/testing';
import { describe, expect, it } from 'vitest';
import { ReportPublisher } from './report-publisher.ts';

const wallMs = Date.UTC(2016, 4, 28, 11);

describe('what a folder says of its reports', () => {
  it.each([
    ['as it was', { boot: wallMs, voids: wallMs - 5, forked: false }, wallMs - 5],
    [
      'no more than this boot: a wrong clock',
      { boot: wallMs, voids: wallMs + 5, forked: false },
      wallMs,
    ],
    ['all before this boot: a copy', { boot: wallMs, voids: 0, forked: true }, wallMs],
  ])('voids %s', (_, { boot, voids, forked }, wanted) => {
    const ignored = (): void => undefined;
    const publisher = new ReportPublisher({
      node: 'a',
      source: {
        stored: () => {
          throw new Error('nothing is read');
        },
      },
      clock: new VirtualClock(wallMs),
      published: { lineage: 7, voids, through: wallMs },
      said: () => [],
      events: { failed: ignored, recovered: ignored, damaged: ignored, tooLarge: ignored },
    });
    publisher.announce(boot, forked);
    expect(publisher.published()).toMatchObject({ lineage: forked ? boot : 7, voids: wanted });
  });
});
