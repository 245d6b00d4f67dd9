/**
 * Known deviations of the parsers: malformed cases that they accept and valid cases that they
 * refuse, sent byte by byte. docs/security.md recommends a proxy to put in front.
 */

interface Known {
  readonly taken: readonly string[];
  readonly notServed: readonly string[];
}

/** By the engine or build that a server reports. */
export function knownOf(server: string): Known {
  if (server.includes('--http node 20.')) return node20;
  if (server.includes('--http node')) return { taken: [], notServed: [] };
  return server.includes('newer build') ? newer : older;
}

const node20: Known = {
  taken: [],
  notServed: ['a length between spaces and tabs'],
};

const takenByBoth = [
  'DEL in the target',
  'CONNECT with a path',
  'the PROXY protocol, version 2',
  'a Host with a space',
  'a Host with a path',
  'a Host with user and password',
  'a Host with a bad port',
  'a Host list',
  'an empty name',
  'Content-Length empty',
  'Content-Length of spaces',
  'Content-Length in full-width digits',
  'Content-Length with a byte above 127 behind',
  'Content-Length with a byte above 127 in front',
  'two Content-Lengths that differ',
  'two Content-Lengths, the second hides a message',
  'two Content-Lengths, the first hides a message',
  'an empty Content-Length and Transfer-Encoding',
  'Transfer-Encoding empty',
  'two Transfer-Encodings, the second unknown',
  'two Transfer-Encodings, both chunked',
  'a trailer without a colon',
  'bytes behind the last chunk',
  'a chunk with an empty size',
  'a chunk with a size of G',
  'a chunk with a size of a colon',
  'a chunk with a space in front',
  'a chunk with a NUL behind its size',
  'a chunk that is a byte longer than its size',
  'a chunk that is a byte shorter than its size',
  'a chunk without a line end behind it',
  'a chunk with other bytes for its line end',
];

const notServedByBoth = [
  'an absolute target',
  'OPTIONS *',
  'an empty line in front',
  'a chunk extension',
  'a chunk extension without a value',
  'a chunk extension in quotes',
  'an extension of the last chunk',
  'a trailer field',
  'two trailer fields',
  'a trailer that is a Content-Length',
  'a trailer field, announced',
  'an empty line between',
  'bodies of both forms and their trailers',
];

const newer: Known = {
  taken: takenByBoth,
  notServed: notServedByBoth,
};

const older: Known = {
  taken: [...takenByBoth, 'two Hosts', 'the same Host twice'],
  notServed: [
    ...notServedByBoth,
    'a name of all token characters',
    '90 headers',
    'a last chunk with bare LF',
    'chunks with bare LF',
  ],
};
