import { expect, it } from 'vitest';
import { runProgram } from './program.ts';

const options = { cores: undefined, maxMs: 30_000 };

it('returns the output of a program', async () => {
  expect(await runProgram('sh', ['-c', 'echo done'], options)).toBe('done\n');
});

it.each([
  ['exit 3', 'cannot run sh: exit code 3'],
  ['kill -KILL $$', 'cannot run sh: ended by SIGKILL'],
  ['kill -TERM $$', 'cannot run sh: ended by SIGTERM'],
])('a program that ends with "%s" has failed', async (script, message) => {
  await expect(runProgram('sh', ['-c', script], options)).rejects.toThrow(message);
});
