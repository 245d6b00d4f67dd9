import { defineCommand } from '../command.ts';
import { serve } from '../serve.ts';
import { configOf, serveFlags } from '../serve-flags.ts';

export default defineCommand({
  summary: 'Count HTTP requests and answer queries',
  description:
    'Counts every HTTP/1.1 request that it answers with 200 as one message, whatever its method, path or body. The older build of uWebSockets.js, about which the log warns, answers only nine methods. Clients that speak HTTP/1.0 need --http node. SIGTERM, SIGINT and SIGHUP stop it cleanly; a second SIGTERM or SIGINT, at least a second later, stops it at once.',
  args: {},
  flags: serveFlags,
  examples: [
    'reto3 serve',
    'reto3 serve --port 9000 --data-dir /var/lib/reto3 --workers 4',
    'reto3 serve --config /etc/reto3/reto3.yaml',
  ],
  run: async (flags) => serve(await configOf(flags)),
});
