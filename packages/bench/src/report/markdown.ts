/** The results as Markdown. Pure. */
import type { Cell, Comparison, Finding, Table } from '../result.ts';
import { ratios, spreadOf } from '../statistics.ts';
import { readable } from './numbers.ts';
import type { Page } from './page.ts';
import type { Report } from './report.ts';
import { type Target, verdicts } from './targets.ts';

/** @param charts the link to each finding's chart, by id */
export function markdownOf(
  report: Report,
  { targets, derived, onlyMeasured = false }: Page,
  charts: ReadonlyMap<string, string>,
): string {
  const { results } = report;
  const picture = (id: string, title: string): string => {
    const file = charts.get(id);
    return file === undefined ? '' : `![${title}](${file})\n\n`;
  };
  const sections = [
    about(report),
    `## Targets\n\n${targetTable(report, onlyMeasured ? measured(report, targets) : targets)}`,
    ...results.comparisons.map(
      (each) => `${heading(each)}${picture(each.id, each.title)}${comparisonTable(each)}`,
    ),
    ...[...derived(results), ...results.tables].map(
      (each) => `${heading(each)}${picture(each.id, each.title)}${plainTable(each)}`,
    ),
  ];
  if (results.failures.length > 0) {
    const lines = results.failures.map(({ of, reason }) => `- ${of}: ${reason}`);
    sections.push(`## Failed measurements\n\n${lines.join('\n')}`);
  }
  return `${sections.join('\n\n')}\n`;
}

function heading({ title, how, earlier }: Finding): string {
  const start = `## ${title}\n\n${wrapped(how)}\n\n`;
  if (earlier === undefined) return start;
  const versions = Object.entries(earlier.versions).map(([name, version]) => `${name} ${version}`);
  const machine = earlier.processor === undefined ? [] : [earlier.processor];
  const run = [earlier.date, ...machine, ...versions].join(', ');
  return `${start}${wrapped(`Measured in an earlier run: ${run}.`)}\n\n`;
}

const columns = 100;

/** Wraps a paragraph at 100 columns; longer words get a line of their own. */
export function wrapped(text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join('\n');
}

function about({ date, plan, machine, versions, missing, minutes }: Report): string {
  const memory = `${Math.round(machine.memoryBytes / 2 ** 30)} GiB`;
  const facts: Cell[][] = [
    ['date', date],
    ['run', `${plan}, ${readable(minutes)} minutes`],
    ['processor', `${machine.processor}, ${machine.cores} cores`],
    ['memory', memory],
    ['system', `${machine.system}, Linux ${machine.kernel}`],
    ['load average before', machine.loadBefore],
    ['Node.js', machine.node],
    ...Object.entries(versions).map(([name, version]) => [name, version]),
  ];
  const lack =
    missing.length === 0
      ? ''
      : `\n\n${wrapped(`Not installed, so not measured: ${missing.join(', ')}.`)}`;
  return `## The run\n\n${table(['item', 'value'], facts)}${lack}`;
}

function measured({ results }: Report, targets: readonly Target[]): readonly Target[] {
  return targets.filter(({ reached }) => reached(results) !== undefined);
}

function targetTable({ results }: Report, targets: readonly Target[]): string {
  const rows = verdicts(results, targets).map(({ what, wanted, reached, met }): Cell[] => [
    what,
    wanted,
    reached ?? '',
    met === undefined ? 'not measured' : met ? 'yes' : 'no',
  ]);
  return table(['what', 'target', 'measured', 'met'], rows);
}

/** Compares the first series with the others. */
export function comparisonTable({ series, unit, better }: Comparison): string {
  const [ours, ...others] = series;
  if (ours === undefined) return '';
  const row = (name: string, values: readonly number[], ratio: Cell): Cell[] => {
    const { median, min, max } = spreadOf(values);
    return [name, median, `${readable(min)} – ${readable(max)}`, values.length, ratio];
  };
  const rows = [
    row(ours.name, ours.values, ''),
    ...others.map(({ name, values }) => {
      const { median, min, max } = spreadOf(ratios(ours.values, values));
      return row(name, values, `${readable(median)} (${readable(min)} – ${readable(max)})`);
    }),
  ];
  const ratio = `${ours.name} ÷ this (${better} is better)`;
  return table(['', `median, ${unit}`, 'min – max', 'rounds', ratio], rows);
}

function plainTable({ columns, rows }: Table): string {
  return table(columns, rows);
}

export function table(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const text = (cell: Cell): string => (typeof cell === 'number' ? readable(cell) : cell);
  const line = (cells: readonly Cell[]): string => `| ${cells.map(text).join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

const endMark = '<!-- end of results -->';

function beginMarkOf(command: string): string {
  return `<!-- results: written by ${command} -->`;
}

/** A document with only the markers, for a folder that has none. */
export function emptyDocument(command: string): string {
  return `${beginMarkOf(command)}\n${endMark}\n`;
}

/** Replaces the text between a command's markers with its results. */
export function replaceResults(document: string, command: string, results: string): string {
  const beginMark = beginMarkOf(command);
  const begin = document.indexOf(beginMark);
  const end = document.indexOf(endMark);
  if (begin === -1 || end < begin)
    throw new Error(`got a document without "${beginMark}" and "${endMark}"`);
  return `${document.slice(0, begin + beginMark.length)}\n\n${results}\n${document.slice(end)}`;
}
