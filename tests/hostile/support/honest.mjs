/**
 * An honest client in a separate process, so that the attackers' work does not delay it: keep-alive
 * connections, one request at a time on each, at a fixed pace. On SIGTERM it prints what it saw as
 * JSON.
 *
 * node honest.mjs PORT
 */
import { connect } from 'node:net';

const [, , port] = process.argv;
const connections = 10;
const everyMs = 20;
const request =
  'POST / HTTP/1.1\r\nHost: reto3\r\nContent-Length: 32\r\n\r\nvalue=2016-05-28 11:11:11.012345';

let answered = 0;
let failed = 0;
const latenciesMs = [];

for (let index = 0; index < connections; index++) {
  const socket = connect({ host: '127.0.0.1', port: Number(port), noDelay: true });
  let dueMs = 0;
  let open = true;
  socket.setEncoding('latin1').on('data', (text) => {
    if (!text.startsWith('HTTP/1.1 200')) failed++;
    else answered++;
    latenciesMs.push(performance.now() - dueMs);
    dueMs = 0;
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    if (open) failed++;
    open = false;
  });
  setInterval(() => {
    // A request that is still waiting keeps its start, so its latency includes the whole wait.
    if (!open || dueMs !== 0) return;
    dueMs = performance.now();
    socket.write(request);
  }, everyMs);
}

process.on('SIGTERM', () => {
  latenciesMs.sort((one, other) => one - other);
  const at = (share) => latenciesMs[Math.floor(share * (latenciesMs.length - 1))] ?? null;
  process.stdout.write(JSON.stringify({ answered, failed, p99Ms: at(0.99), worstMs: at(1) }));
  process.exit(0);
});
