/** Reads /v1/live and notes when each event arrives. */
import { readEvents } from '@reto3/client';
import type { LiveEvent } from '@reto3/client/answers';

export interface Arrival extends LiveEvent {
  /** Epoch ms by the machine's clock, which the server shares. */
  readonly at: number;
  readonly id: number;
}

/** The events until the signal aborts or the server ends the answer. */
export async function* readLive(
  adminUrl: string,
  query: string,
  signal: AbortSignal,
): AsyncGenerator<Arrival> {
  const response = await fetch(`${adminUrl}/v1/live?${query}`, { signal });
  if (response.body === null) throw new Error('got no body from /v1/live');
  try {
    for await (const { id, data } of readEvents(response.body.pipeThrough(new TextDecoderStream())))
      yield { at: Date.now(), id: Number(id), ...JSON.parse(data) };
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
