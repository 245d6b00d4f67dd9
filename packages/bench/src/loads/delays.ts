/**
 * Measures two delays from a message to a reader under a steady load: until the `open` counts
 * include it, and until its window arrives on /v1/live.
 */
import { Agent, get, type IncomingMessage } from 'node:http';
import { readEvents } from '@reto3/client';
import type { OpenLoop } from './open-loop.ts';

const agent = new Agent({ keepAlive: true });
/** The pause between probes, of which one runs at a time: probing must not be a load itself. */
const probeEveryMs = 20;

/**
 * Polls the open counts until stopped. A delay, in ms, lasts until the counts include every request
 * answered before the probe began.
 * @param before the messages counted before the load
 */
export async function probeOpenCounts(
  adminUrl: string,
  load: Pick<OpenLoop, 'answered'>,
  before: number,
  stop: AbortSignal,
): Promise<number[]> {
  const delaysMs: number[] = [];
  while (!stop.aborted) {
    const wanted = before + load.answered;
    const startMs = performance.now();
    while ((await openTotal(adminUrl)) < wanted && !stop.aborted);
    delaysMs.push(performance.now() - startMs);
    await new Promise((resolve) => setTimeout(resolve, probeEveryMs));
  }
  return delaysMs;
}

/** All messages of the last minutes, open windows included. */
export async function openTotal(adminUrl: string): Promise<number> {
  const text = await read(`${adminUrl}/v1/stats/min?last=10&open=true`);
  const answer: unknown = JSON.parse(text);
  return countsOf(answer).reduce((total, count) => total + count, 0);
}

function countsOf(answer: unknown): number[] {
  if (typeof answer === 'object' && answer !== null && 'counts' in answer) {
    const { counts } = answer;
    if (Array.isArray(counts)) return counts.map(Number);
  }
  throw new Error(`got an answer without counts: ${JSON.stringify(answer)}`);
}

function startsOf(answer: unknown): number[] {
  if (typeof answer === 'object' && answer !== null && 'starts' in answer) {
    const { starts } = answer;
    if (Array.isArray(starts)) return starts.map(Number);
  }
  return [];
}

function read(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece) => {
        text += String(piece);
      });
      response.once('end', () => resolve(text));
      response.once('error', reject);
    }).once('error', reject);
  });
}

const ms10WindowMs = 10;
const secondMs = 1_000;

/** Follows the ms10 windows of a server; see `follow`. */
export function followLive(adminUrl: string, stop: AbortSignal): Promise<number[]> {
  return follow(`${adminUrl}/v1/live?period=ms10`, ms10WindowMs, stop);
}

/** Follows the seconds of the cluster; see `follow`. */
export function followCluster(adminUrl: string, stop: AbortSignal): Promise<number[]> {
  return follow(`${adminUrl}/v1/live?period=sec&scope=cluster`, secondMs, stop);
}

/**
 * Follows a feed until stopped. Returns how long after its end each window arrived, ms, by this
 * machine's clock.
 */
async function follow(feed: string, windowMs: number, stop: AbortSignal): Promise<number[]> {
  const delaysMs: number[] = [];
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(feed, { signal: stop }, resolve).once('error', reject);
    });
    for await (const { data } of readEvents(response.setEncoding('utf8'))) {
      const nowMs = performance.timeOrigin + performance.now();
      for (const start of startsOf(JSON.parse(data))) delaysMs.push(nowMs - start - windowMs);
    }
  } catch (error) {
    if (!stop.aborted) throw error;
  }
  return delaysMs;
}
