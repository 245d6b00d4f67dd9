/** What may serve the ingest port: uWebSockets.js, the default, or Node's own HTTP server. */
export const httpEngines = ['uws', 'node'] as const;

export type HttpEngineName = (typeof httpEngines)[number];
