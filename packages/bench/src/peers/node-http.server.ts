/** Program: `node node-http.server.js PORT`. Answers every request and does nothing else. */
import { createServer } from 'node:http';

createServer((_request, response) => response.end()).listen(Number(process.argv[2]), '127.0.0.1');
