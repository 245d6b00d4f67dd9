import { describe, expect, it } from 'vitest';
import { commonMoment, type Moment, momentText, parseLogMoment } from './moment.ts';

describe('the moment that logs have in common', () => {
  it.each<[(Moment | undefined)[], string | undefined]>([
    [[], undefined],
    [['start'], 'start'],
    [['end', 'end'], 'end'],
    [['start', 'end'], 'mixed'],
    [[undefined], undefined],
    [['start', undefined], undefined],
    [['end', undefined, 'start'], 'mixed'],
  ])('of %j is %s', (moments, common) => {
    expect(commonMoment(moments)).toBe(common);
  });
});

it('is read from a header, of which other texts mean nothing', () => {
  expect(['start', 'end', 'mixed', 'middle', undefined].map(parseLogMoment)).toEqual([
    ...['start', 'end', 'mixed'],
    ...[undefined, undefined],
  ]);
});

it('is written for people', () => {
  expect(momentText('end')).toBe('counted by the end of each request');
  expect(momentText('mixed')).toBe(
    'counted by the start of some requests and by the end of others',
  );
});
