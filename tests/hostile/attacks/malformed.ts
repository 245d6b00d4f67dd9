/**
 * Malformed HTTP: runs the corpus against every server, and prints a table of totals and a table by
 * case.
 */
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
    const seen: { readonly name: string; readonly result: CorpusResult }[] = [];
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
      seen.push({ name: target.name, result });
      broken.push(...brokenBy(target.name, result));
    }
    return { text: markdownTable(columns, rows), cases: caseTable(seen), broken };
  },
};

/** How the table by case names each verdict; docs/hostile.md explains them. */
const inCell: Readonly<Record<Verdict, string>> = {
  'as wanted': '',
  'refused by the time limit only': 'time limit',
  'not served': 'not served',
  'taken although malformed': 'taken',
  'counted although refused': 'counted',
};

/** A row with the cases for each combination of wrong verdicts; an empty cell means as wanted. */
function caseTable(
  seen: readonly { readonly name: string; readonly result: CorpusResult }[],
): string {
  const cell = (name: string, { findings, otherInPieces, hangs }: CorpusResult): string => {
    const verdict = findings.find((finding) => finding.name === name)?.verdict ?? 'as wanted';
    return [
      inCell[verdict],
      otherInPieces.includes(name) ? 'in pieces' : '',
      hangs.includes(name) ? 'hangs' : '',
    ]
      .filter((text) => text !== '')
      .join('; ');
  };
  const byCells = new Map<
    string,
    { readonly cells: readonly string[]; readonly names: string[] }
  >();
  for (const { name } of corpus) {
    const cells = seen.map(({ result }) => cell(name, result));
    const row = byCells.get(cells.join('|')) ?? { cells, names: [] };
    row.names.push(name);
    byCells.set(cells.join('|'), row);
  }
  const servers = seen.map(({ name }) => name.replace('reto3, uWebSockets.js ', ''));
  return markdownTable(
    [...servers, 'cases'],
    [...byCells.values()]
      .filter(({ cells }) => cells.some((text) => text !== ''))
      .map(({ cells, names }) => [...cells, names.join(' · ')]),
  );
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
