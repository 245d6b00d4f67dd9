/** JSON schemas that the answers of the analyses share. */

export const epochMs = { type: 'integer', description: 'Epoch ms' } as const;
export const count = { type: 'integer', minimum: 0 } as const;
export const number = { type: 'number' } as const;

/** What was looked at. */
export const seriesProperties = {
  scope: { type: 'string' },
  node: { type: 'string', description: 'Where one was asked for' },
  from: epochMs,
  to: epochMs,
  finalThrough: epochMs,
  windows: { ...count, description: 'Windows of 10 ms that were counted' },
  uncounted: { ...count, description: 'Windows of 10 ms in gaps, or damaged' },
  messages: count,
  damaged: {
    type: 'array',
    description: 'Parts of the range whose counts are not to be had',
    items: {
      type: 'object',
      properties: { from: epochMs, to: epochMs, reason: { type: 'string' } },
    },
  },
  damagedPlaces: { ...count, description: 'How many there are; `damaged` has the first 100' },
} as const;
