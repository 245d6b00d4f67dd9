/**
 * Texts of which an import was interrupted. It has counted messages up to a time, whatever their place
 * in the text, so the same import alone can go on with it. Until it has, such a text is not followed.
 */
import type { SourcePosition } from '@reto3/engine';
import { fingerprintBytes, positionOf } from '../position.ts';
import { bytesAt, type FileText, openText } from './file-text.ts';
import { rotatedBeside } from './rotated-files.ts';

/** Whether it is the text of one of these positions. */
export async function isOneOf(
  positions: readonly SourcePosition[],
  text: FileText,
): Promise<boolean> {
  if (positions.length === 0) return false;
  return positionOf(await bytesAt(text, 0, fingerprintBytes), positions) !== undefined;
}

/** The file at the path, or rotated beside it, with the text of one of these positions. */
export async function fileOfOne(
  positions: readonly SourcePosition[],
  path: string,
): Promise<string | undefined> {
  const rotated = await rotatedBeside(path);
  for (const place of [path, ...rotated.map((each) => each.place)]) {
    const text = await openText(place).catch(() => undefined);
    if (text === undefined) continue;
    // What cannot be read is said once it is followed.
    const isFound = await isOneOf(positions, text).catch(() => false);
    await text.close();
    if (isFound) return place;
  }
  return undefined;
}
