/** Asks for an audit, of a server or of a folder, and writes down what it found. */
import { min } from '@reto3/server/period';
import type { Audit, Place } from '@reto3/server/query/audit';
import type { Source } from './answers.ts';
import { answerCut, request, textOf } from './api-client.ts';

interface Range {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** @throws Reto3Error RETO3_BAD_TIME, and what the source throws */
export async function askAudit(source: Source, { from, to }: Range): Promise<Audit> {
  if ('dataDir' in source) return auditFolder(source.dataDir, { from, to });
  const response = await request(source, '/v1/audit', { from, to });
  try {
    return JSON.parse(await textOf(response, source));
  } catch (error) {
    if (error instanceof SyntaxError) throw answerCut(source, error);
    throw error;
  }
}

async function auditFolder(folder: string, range: Range): Promise<Audit> {
  const [{ DataFolder }, { audit }] = await Promise.all([
    import('@reto3/server/query/data-folder'),
    import('@reto3/server/query/audit'),
  ]);
  return DataFolder.with(folder, async (data) => {
    const nowMs = Date.now();
    const view = await data.view(min, nowMs);
    try {
      const counted = { messagesInAll: data.recovered.messages, messagesSinceStart: 0 };
      return await audit(view, counted, range, nowMs);
    } finally {
      await view.store.close();
    }
  });
}

/** One line for each check, then one for each place where something does not hold. */
export function auditLines({ checks, places, gone }: Audit): string[] {
  return [
    ...checks.map(({ name, ok, says }) => `${name.padEnd(8)} ${ok ? 'ok  ' : 'fail'} ${says}`),
    ...places.map((place) => `${'fail'.padEnd(8)} ${placeText(place)}`),
    ...gone.map((place) => `${'gone'.padEnd(8)} ${placeText(place)}`),
  ];
}

function placeText({ period, from, to, reason }: Place): string {
  return `${period} from ${timeText(from)} to ${timeText(to)}: ${reason}`;
}

function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
