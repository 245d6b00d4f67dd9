import { describe, expect, it } from 'vitest';
import { windowsIn } from './delays.ts';

describe('windowsIn', () => {
  it('reads the starts of an event', () => {
    expect(windowsIn('id: 20\ndata: {"starts":[0,10],"counts":[1,2]}')).toEqual([0, 10]);
  });

  it('has none in a comment', () => {
    expect(windowsIn(': open')).toEqual([]);
  });
});
