/**
 * `npm run hostile`: runs the attacks, prints their tables, and writes each into docs/hostile.md.
 */
import { expect, test } from 'vitest';
import type { Attack } from './attack.ts';
import { fuzzing } from './attacks/fuzz.ts';
import { malformed } from './attacks/malformed.ts';
import { queries } from './attacks/queries.ts';
import { slow } from './attacks/slow.ts';
import { keepSection } from './report.ts';

const attacks: readonly Attack[] = [malformed, fuzzing, slow, queries];

/** Set by scripts/hostile.mjs from the command line. */
const { RETO3_HOSTILE_ONLY: only, RETO3_HOSTILE_REQUESTS: requests } = process.env;
const chosen = attacks.filter(({ name }) => only === undefined || only.split(',').includes(name));
if (chosen.length === 0) {
  const names = attacks.map(({ name }) => name).join(', ');
  process.stderr.write(`reto3: got --only "${only}", want some of ${names}\n`);
}

test.each([...chosen])('$name', async (attack) => {
  const { text, cases, broken } = await attack.run();
  process.stdout.write(`\n${text}\n`);
  // Keep the published result if this fuzz sends fewer requests.
  if (attack !== fuzzing || requests === undefined) await keepSection(attack.name, text);
  if (cases !== undefined) await keepSection(`${attack.name}, case by case`, cases);
  // The runner reports nothing else.
  for (const reason of broken) process.stderr.write(`reto3: ${attack.name}: ${reason}\n`);
  expect(broken).toEqual([]);
});
