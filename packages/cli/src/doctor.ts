/** Runs the engine's doctor, and prints what it found and repaired. */
import { periodNames, Reto3Error, timeText } from '@reto3/core';
import type { Finding, Repair } from '@reto3/engine';
import type { Config } from '@reto3/server/settings';
import { auditLines } from './audit.ts';
import { abortable } from './clean-up.ts';
import { exitCode } from './exit-code.ts';
import { keepFilesPrivate } from './private-files.ts';
import { withProgress } from './terminal/progress.ts';
import { ignoreClosedStdout, printLine } from './terminal/standard-streams.ts';

/** @throws Reto3Error RETO3_CHECK_FAILED */
export async function examineAndPrint(
  { http, ...examined }: Pick<Config, 'dataDir' | 'port' | 'adminPort' | 'http'>,
  asJson: boolean,
): Promise<void> {
  const [{ examine }, { loadUws }] = await Promise.all([
    import('@reto3/engine'),
    import('@reto3/server/uws'),
  ]);
  const findings: Finding[] = [];
  ignoreClosedStdout();
  const uws = http === 'uws' ? () => loadUws().version : undefined;
  for await (const finding of examine({ ...examined, loadUws: uws })) {
    findings.push(finding);
    if (!asJson) printLine(findingLine(finding));
  }
  if (asJson) printLine(JSON.stringify(findings));
  const failed = findings.filter(({ state }) => state === 'fail').length;
  if (failed > 0) throw new Reto3Error('RETO3_CHECK_FAILED', `${failed} checks failed`);
}

export async function repairAndPrint(folder: string, asJson: boolean): Promise<void> {
  keepFilesPrivate();
  const { repair } = await import('@reto3/engine');
  const repaired = await abortable((signal) =>
    withProgress(`repairing ${folder}`, () => repair(folder, Date.now(), signal)),
  );
  if (!repaired.audit.ok) process.exitCode = exitCode.checkFailed;
  printLine(asJson ? JSON.stringify(repaired) : repairLines(repaired).join('\n'));
}

function findingLine({ check, state, says, cure }: Finding): string {
  return `${check.padEnd(8)} ${state.padEnd(4)} ${says}${cure === undefined ? '' : ` (${cure})`}`;
}

/** What was done, what is lost, and the audit afterwards. */
function repairLines(repair: Repair): string[] {
  const { copy, filesRepaired, dropped, changes, writesMissing, journalDamage, gone, audit } =
    repair;
  const lost = periodNames.flatMap((name) =>
    gone[name].map(({ from, to }) => `gone     ${name} from ${timeText(from)} to ${timeText(to)}`),
  );
  return [
    `copied   to ${copy}`,
    ...(filesRepaired === undefined ? [] : [`files    saved by LevelDB: ${filesRepaired}`]),
    ...dropped.map(({ row, key, reason }) => {
      const name = row === undefined ? key : `${row.series} at ${timeText(row.start)}`;
      return `dropped  ${name}: ${reason}`;
    }),
    ...(writesMissing === 0 ? [] : [`missing  the newest ${writesMissing} writes`]),
    ...(journalDamage === undefined ? [] : [`journal  ${journalDamage}`]),
    `rows     ${changes} written anew or deleted, so that the periods agree`,
    ...(lost.length === 0 ? ['gone     nothing'] : lost),
    ...auditLines({ ...audit, gone: [] }),
  ];
}
