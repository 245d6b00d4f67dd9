/**
 * The entry of the archive's thread: runs the archivist on messages from the main thread. It needs
 * no timers, because even an idle server writes once a second.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf, Reto3Error, systemClock } from '@reto3/core';
import { Archivist } from './archivist.ts';
import { Converter } from './convert.ts';
import type { ArchiveStart, FromArchive, ToArchive } from './messages.ts';

if (parentPort === null) throw new Error('BUG: the archive runs in a thread of its own');
const port = parentPort;
const { memory, folder, writes, limits }: ArchiveStart = workerData;

function tell(message: FromArchive): void {
  port.postMessage(message);
}

async function open(): Promise<Archivist> {
  const converter = await Converter.open(folder);
  return new Archivist({
    ...{ memory, folder, writes, limits, converter },
    clock: systemClock,
    tell: (event) => tell({ event }),
  });
}

async function recount(archivist: Archivist, number: number): Promise<void> {
  try {
    tell({ recounted: number, ...(await archivist.recount()) });
  } catch (error) {
    tell({ recounted: number, failed: messageOf(error) });
  }
}

try {
  const archivist = await open();
  port.on('message', (message: ToArchive) => {
    if ('recount' in message) {
      void recount(archivist, message.recount);
      return;
    }
    if ('stored' in message) archivist.stored(message.stored);
    else if ('gaveUp' in message) archivist.gaveUp(message.gaveUp);
    else {
      void archivist.stop().then(() => {
        tell({ status: archivist.status() });
        port.close();
      });
      return;
    }
    tell({ status: archivist.status() });
  });
  tell({ ready: true });
  tell({ status: archivist.status() });
} catch (error) {
  const missing = error instanceof Reto3Error && error.code === 'RETO3_DUCKDB_MISSING';
  const code = missing ? 'RETO3_DUCKDB_MISSING' : undefined;
  tell({ ready: false, code, reason: messageOf(error) });
  port.close();
}
