import { defineCommand } from '../command.ts';
import { healthFlags } from '../flags.ts';
import { health } from '../health.ts';

export default defineCommand({
  summary: 'Check that the server accepts requests and stores counts',
  description:
    'For health checks. Exit code 0: it does. 1: it does not; the output says why. 3: it cannot be reached.',
  args: {},
  flags: healthFlags,
  examples: ['reto3 health', 'reto3 health --json'],
  run: health,
});
