import { describe, expect, it } from 'vitest';
import { parquetPath, parseArchivePath, partialPath, segmentPath } from './layout.ts';

const hour = Date.UTC(2016, 4, 28, 11);

describe('paths of the archive', () => {
  it('name the sequence, the hour and the number of messages', () => {
    expect(segmentPath(7, hour)).toBe('segments/0000000007_2016-05-28T11.segment');
    expect(parquetPath(7, hour + 5, 120)).toBe('date=2016-05-28/hour=11/0000000007_120.parquet');
  });

  it('are parsed back', () => {
    for (const [path, kind, messages] of [
      [segmentPath(7, hour), 'segment', undefined],
      [parquetPath(7, hour, 120), 'parquet', 120],
    ] as const)
      expect(parseArchivePath(path)).toEqual({
        ...{ kind, path, sequence: 7, first: 7, hour, messages },
      });
  });

  it.each([
    partialPath(7),
    'segments',
    'segments/0000000007_2016-05-28T11.segment.bak',
    'date=2016-05-28/hour=11/other.parquet',
    'date=2016-99-28/hour=11/0000000007_120.parquet',
  ])('%s is none of them', (path) => {
    expect(parseArchivePath(path)).toBeUndefined();
  });
});
