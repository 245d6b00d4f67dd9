import { describe, expect, it } from 'vitest';
import { comparisonTable, emptyDocument, replaceResults, table, wrapped } from './markdown.ts';

describe('table', () => {
  it('is Markdown with readable numbers', () => {
    expect(table(['a', 'b'], [['x', 1234.5]])).toBe('| a | b |\n| --- | --- |\n| x | 1,235 |');
  });
});

describe('comparisonTable', () => {
  it("shows the spread, and the first series' ratio to each other one per round", () => {
    const text = comparisonTable({
      id: 'keep-alive',
      title: 'Speed',
      unit: '/s',
      how: '',
      better: 'higher',
      series: [
        { name: 'ours', values: [100, 300] },
        { name: 'theirs', values: [50, 100] },
      ],
    });
    expect(text).toContain('| ours | 200 | 100 – 300 | 2 |  |');
    expect(text).toContain('| theirs | 75 | 50 – 100 | 2 | 2.5 (2 – 3) |');
  });
});

describe('wrapped', () => {
  it('breaks a paragraph between words, at 100 columns', () => {
    const words = ['a'.repeat(60), 'b'.repeat(39), 'c', 'd'.repeat(120)];
    expect(wrapped(words.join(' '))).toBe(`${words[0]} ${words[1]}\n${words[2]}\n${words[3]}`);
  });
});

describe('replaceResults', () => {
  const marks = [
    '<!-- results: written by npm run bench -- --full -->',
    '<!-- end of results -->',
  ] as const;

  it('keeps the text around the markers', () => {
    const document = `before\n${marks[0]}\nold\n${marks[1]}\nafter\n`;
    expect(replaceResults(document, 'npm run bench -- --full', 'new\n')).toBe(
      `before\n${marks[0]}\n\nnew\n\n${marks[1]}\nafter\n`,
    );
  });

  it('fills a new document', () => {
    const document = emptyDocument('npm run bench -- --full');
    expect(replaceResults(document, 'npm run bench -- --full', 'new\n')).toBe(
      `${marks[0]}\n\nnew\n\n${marks[1]}\n`,
    );
  });

  it('refuses a document without markers', () => {
    expect(() => replaceResults('nothing', 'npm run bench -- --full', 'new')).toThrow('without');
  });
});
