/**
 * Logs whose import was interrupted. It counted messages up to a time, wherever they are in the log,
 * so only another run of the import can continue. Until then, the log is not followed.
 */
import type { SourcePosition } from '@reto3/engine';
import { fingerprintBytes, positionOf } from '../position.ts';
import { bytesAt, type FileText, openText } from './file-text.ts';
import { rotatedBeside } from './rotated-files.ts';

/** Whether the text belongs to one of these positions. */
export async function isOneOf(
  positions: readonly SourcePosition[],
  text: FileText,
): Promise<boolean> {
  if (positions.length === 0) return false;
  return positionOf(await bytesAt(text, 0, fingerprintBytes), positions) !== undefined;
}

/** The file at the path, or a rotated one beside it, that belongs to one of these positions. */
export async function fileOfOne(
  positions: readonly SourcePosition[],
  path: string,
): Promise<string | undefined> {
  const rotated = await rotatedBeside(path);
  for (const place of [path, ...rotated.map((each) => each.place)]) {
    const text = await openText(place).catch(() => undefined);
    if (text === undefined) continue;
    // Following it reports that it cannot be read.
    const isFound = await isOneOf(positions, text).catch(() => false);
    await text.close();
    if (isFound) return place;
  }
  return undefined;
}
