/** The thread of `countKeysInThread`: answers one question. */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf, Reto3Error } from '@reto3/core';
import { besideCounting } from './duckdb.ts';
import { countKeys, type FromKeyThread, type KeyQuestion } from './keys.ts';

if (parentPort === null) throw new Error('BUG: keys are counted in a thread of its own');
const question: KeyQuestion = workerData;

async function answer(): Promise<FromKeyThread> {
  try {
    return { counts: await countKeys(question, besideCounting) };
  } catch (error) {
    const code = error instanceof Reto3Error ? error.code : undefined;
    return { code, message: messageOf(error) };
  }
}

parentPort.postMessage(await answer());
