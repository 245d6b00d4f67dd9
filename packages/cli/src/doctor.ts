/** Runs the engine's doctor, and prints its findings. */
import { quantity, Reto3Error } from '@reto3/core';
import type { Finding } from '@reto3/engine/doctor';
import type { Config } from '@reto3/server/settings';
import { ignoreClosedStdout, printLine } from './terminal/standard-streams.ts';

/** @throws Reto3Error RETO3_CHECK_FAILED */
export async function examineAndPrint(
  { http, ...examined }: Pick<Config, 'dataDir' | 'port' | 'adminPort' | 'http'>,
  asJson: boolean,
): Promise<void> {
  const [{ examine }, { loadUws }] = await Promise.all([
    import('@reto3/engine/doctor'),
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
  if (failed > 0) throw new Reto3Error('RETO3_CHECK_FAILED', `${quantity(failed, 'check')} failed`);
}

function findingLine({ check, state, says, cure }: Finding): string {
  return `${check.padEnd(8)} ${state.padEnd(4)} ${says}${cure === undefined ? '' : ` (${cure})`}`;
}
