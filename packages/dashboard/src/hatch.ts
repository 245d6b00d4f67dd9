/** The hatching of gaps, which distinguishes them from zeros by more than a colour. */

const tilePx = 7;

const patterns = new Map<string, CanvasPattern | string>();

/**
 * A pattern of diagonal lines, in both directions if `crossed`. All canvases share the patterns.
 */
export function hatch(
  context: CanvasRenderingContext2D,
  colour: string,
  crossed = false,
): CanvasPattern | string {
  const key = `${colour} ${crossed} ${devicePixelRatio}`;
  const pattern = patterns.get(key) ?? createHatch(context, colour, crossed);
  patterns.set(key, pattern);
  return pattern;
}

function createHatch(
  context: CanvasRenderingContext2D,
  colour: string,
  crossed: boolean,
): CanvasPattern | string {
  const size = Math.round(tilePx * devicePixelRatio);
  const tile = document.createElement('canvas');
  tile.width = size;
  tile.height = size;
  const pen = tile.getContext('2d');
  if (pen === null) return colour;
  pen.strokeStyle = colour;
  pen.lineWidth = devicePixelRatio;
  pen.beginPath();
  for (const offset of [-size, 0, size]) {
    pen.moveTo(offset, size);
    pen.lineTo(offset + size, 0);
    if (!crossed) continue;
    pen.moveTo(offset, 0);
    pen.lineTo(offset + size, size);
  }
  pen.stroke();
  return context.createPattern(tile, 'repeat') ?? colour;
}
