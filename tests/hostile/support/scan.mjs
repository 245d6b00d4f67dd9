/**
 * Readers of the query API in a separate process: each repeatedly requests a whole range of ms10
 * windows and discards the answer. On SIGTERM it prints the number of received bytes as JSON.
 *
 * It runs at the lowest priority: readers belong on other machines, and must not take the cores of
 * the measured processes.
 *
 * node scan.mjs ADMIN_URL FROM TO READERS
 */
import { Agent, get } from 'node:http';
import { setPriority } from 'node:os';

const [, , adminUrl, from, to, readers] = process.argv;
const url = `${adminUrl}/v1/stats/ms10?format=text&from=${from}&to=${to}`;
const agent = new Agent({ keepAlive: true });
const retryMs = 100;
let bytes = 0;

setPriority(19);

function read() {
  const again = () => void setTimeout(read, retryMs);
  get(url, { agent }, (response) => {
    response.on('data', (piece) => {
      bytes += piece.length;
    });
    response.once('close', again);
  }).once('error', again);
}

for (let reader = 0; reader < Number(readers); reader++) read();

process.on('SIGTERM', () => {
  process.stdout.write(JSON.stringify({ bytes }));
  process.exit(0);
});
