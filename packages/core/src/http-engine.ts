/** The HTTP engines of the ingest port: uWebSockets.js, the default, or Node's own server. */
export const httpEngines = ['uws', 'node'] as const;

export type HttpEngineName = (typeof httpEngines)[number];

/** The Server header of errors with `--http node`, by which clients recognise the ingest port. */
export const ingestServer = 'reto3-ingest';
