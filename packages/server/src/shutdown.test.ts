import { expect, it } from 'vitest';
import { Shutdown } from './shutdown.ts';

it('runs every step in the order of the stages, and throws the first error', async () => {
  const ran: string[] = [];
  const shutdown = new Shutdown();
  shutdown.add('store', async () => void ran.push('store'));
  shutdown.add('coordinator', async () => {
    ran.push('coordinator');
    throw new Error('later');
  });
  shutdown.add('workers', () => {
    ran.push('workers');
    throw new Error('at once');
  });
  shutdown.add('readiness', () => void ran.push('readiness'));
  await expect(shutdown.run()).rejects.toThrow('at once');
  expect(ran).toEqual(['readiness', 'workers', 'coordinator', 'store']);
});

it('runs once, and resolves if no step fails', async () => {
  let ran = 0;
  const shutdown = new Shutdown();
  shutdown.add('readiness', () => ran++);
  shutdown.add('store', async () => ran++);
  expect(shutdown.begun).toBe(false);
  await Promise.all([shutdown.run(), shutdown.run()]);
  expect({ ran, begun: shutdown.begun }).toEqual({ ran: 2, begun: true });
});
