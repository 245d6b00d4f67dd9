/** The corpus, family by family. */
import type { Case } from './case.ts';
import { chunkedBodies } from './chunks.ts';
import { headers } from './headers.ts';
import { lengths } from './lengths.ts';
import { mixtures } from './mixtures.ts';
import { requestLines } from './request-lines.ts';
import { versions } from './versions.ts';

export const corpus: readonly Case[] = [
  ...requestLines,
  ...versions,
  ...headers,
  ...lengths,
  ...chunkedBodies,
  ...mixtures,
];
