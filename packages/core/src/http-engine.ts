/** What may serve the ingest port: uWebSockets.js, the default, or Node's own HTTP server. */
export const httpEngines = ['uws', 'node'] as const;

export type HttpEngineName = (typeof httpEngines)[number];

/** Value of the Server header when `--http node` refuses a request. Clients recognise the port by it. */
export const ingestServer = 'reto3-ingest';
