import { describe, expect, it } from 'vitest';
import { Groups } from './groups.ts';

describe('several groups', () => {
  it('are known by the prefix of a subject', () => {
    const groups = new Groups(['reto3', 'reto3.east']);
    expect(groups.ofSubject('reto3.web-1')).toBe('reto3');
    expect(groups.ofSubject('reto3.east.web-1')).toBe('reto3.east');
    for (const stranger of ['reto3.west.web-1', 'web-1', '', 'reto3'])
      expect(groups.ofSubject(stranger)).toBe('reto3');
  });

  it('have a node where its newest boot was heard, even after it moved', () => {
    const groups = new Groups(['east', 'west']);
    expect(groups.ofNode('a')).toBeUndefined();
    groups.hear('a', 'east', 5, 5);
    expect(groups.ofNode('a')).toBe('east');
    groups.hear('a', 'west', 6, 5);
    expect(groups.ofNode('a')).toBe('west');
    // The old group still has messages, which the folder published again in the new one.
    expect(() => groups.hear('a', 'east', 5, 6)).toThrow(
      'a node in west has its name: names must be unique over all groups',
    );
    expect(groups.ofNode('a')).toBe('west');
    groups.hear('a', 'west', 4, 6);
  });
});

it('a single group has every node, heard or not', () => {
  const groups = new Groups(['reto3.windows']);
  expect(groups.ofNode('a')).toBe('reto3.windows');
});
