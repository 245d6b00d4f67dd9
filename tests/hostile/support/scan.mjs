/**
 * Readers of the query API, in a process of their own: each asks for a whole range of ms10 windows,
 * again and again, and throws away what comes. On SIGTERM it prints the bytes that came as JSON.
 *
 * Of lowest priority, since readers sit on other machines and are not to take the cores of what is
 * measured.
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
