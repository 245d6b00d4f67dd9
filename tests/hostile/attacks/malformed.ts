/** Malformed HTTP: the corpus against every server, in one table. */
import { markdownTable } from '../../support/markdown.ts';
import type { Attack } from '../attack.ts';
import { corpus } from '../corpus/all.ts';
import { kinds } from '../support/target.ts';
import { type Verdict, verdicts } from '../support/verdict.ts';
import { attackWithCorpus, type CorpusResult, hangMs } from './corpus.ts';

const columns = [
  'server',
  'cases',
  ...verdicts,
  'otherwise in pieces',
  'answers lost',
  'cuts',
  'half-closed, not closed within 15 s',
  'left alone, closed after at most, s',
  'crashes',
];

function namesOf({ findings }: CorpusResult, verdict: Verdict): string[] {
  return findings.filter((finding) => finding.verdict === verdict).map(({ name }) => name);
}

export const malformed: Attack = {
  name: 'malformed',
  async run() {
    const rows: string[][] = [];
    const lists: string[] = [];
    const broken: string[] = [];
    for (const kind of kinds) {
      const missing = kind.missing();
      if (missing !== undefined) {
        rows.push([kind.name, `not run: ${missing}`, ...columns.slice(2).map(() => '')]);
        continue;
      }
      const target = await kind.start();
      const result = await attackWithCorpus(target);
      rows.push([
        target.name,
        String(corpus.length),
        ...verdicts.map((verdict) => String(namesOf(result, verdict).length)),
        String(result.otherInPieces.length),
        String(result.answersLost),
        String(result.cuts),
        String(result.hangs.length),
        result.leftForSeconds === Number.POSITIVE_INFINITY
          ? 'more than 40'
          : result.leftForSeconds.toFixed(1),
        result.crashed ? '1' : '0',
      ]);
      if (!('counted' in target)) continue;
      lists.push(listsOf(target.name, result));
      broken.push(...brokenBy(target.name, result));
    }
    return { text: [markdownTable(columns, rows), ...lists].join('\n\n'), broken };
  },
};

function listsOf(name: string, result: CorpusResult): string {
  const list = (title: string, names: readonly string[]): string[] =>
    names.length === 0 ? [] : [`- ${title}: ${names.join(', ')}.`];
  return [
    `**${name}**`,
    '',
    ...verdicts
      .filter((verdict) => verdict !== 'as wanted')
      .flatMap((verdict) => list(verdict, namesOf(result, verdict))),
    ...list('counted otherwise in pieces than whole', result.otherInPieces),
    ...list('hangs', result.hangs),
  ].join('\n');
}

function brokenBy(name: string, result: CorpusResult): string[] {
  const refused = namesOf(result, 'counted although refused');
  return [
    ...(result.crashed ? [`${name} crashed`] : []),
    ...(result.hangs.length > 0 ? [`${name} hung in ${result.hangs.length} cuts`] : []),
    ...(result.leftForSeconds * 1_000 > hangMs
      ? [`${name} kept a connection that was left alone for ${result.leftForSeconds} s, want 15`]
      : []),
    ...(refused.length > 0 ? [`${name} counted although it refused: ${refused.join(', ')}`] : []),
    ...(result.cutTooOften.length > 0
      ? [`${name} answered a part more often than the whole: ${result.cutTooOften.join(', ')}`]
      : []),
    ...(result.uncountedOrUnanswered > 0
      ? [`${name} counted ${result.uncountedOrUnanswered} otherwise than it answered`]
      : []),
  ];
}
