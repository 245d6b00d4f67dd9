/** Reads /v1/live, and notes when each event arrived. */

export interface Arrival {
  /** Epoch ms by the clock of the tests: the same machine's as the server's. */
  readonly at: number;
  readonly id: number;
  readonly from: number;
  readonly to: number;
  readonly finalThrough: number;
  readonly starts: readonly number[];
  readonly counts: readonly number[];
}

/** The events until the signal aborts, or the server ends the answer. */
export async function* readLive(
  adminUrl: string,
  query: string,
  signal: AbortSignal,
): AsyncGenerator<Arrival> {
  const response = await fetch(`${adminUrl}/v1/live?${query}`, { signal });
  if (response.body === null) throw new Error('got no body from /v1/live');
  let rest = '';
  const decoder = new TextDecoder();
  try {
    for await (const piece of response.body) {
      const at = Date.now();
      const blocks = (rest + decoder.decode(piece, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        if (block.startsWith(':')) continue;
        const match = /^id: (\d+)\ndata: (\{.+\})$/.exec(block);
        if (match?.[2] === undefined) throw new Error(`got the event "${block}"`);
        yield { at, id: Number(match[1]), ...JSON.parse(match[2]) };
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
