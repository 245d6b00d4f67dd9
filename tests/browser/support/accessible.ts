/** Fails the test if axe-core finds a violation on the page. */
import axe from 'axe-core';
import { expect } from 'vitest';
import type { Dashboard } from './browser.ts';

export async function expectAccessible(page: Dashboard, state: string): Promise<void> {
  // Inject it like a debugger: the page's own policy would block a foreign script.
  await page.page.evaluate(axe.source);
  const { violations } = await page.page.evaluate<axe.AxeResults>('axe.run()');
  const found = violations.map(
    ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html).join(' ')}`,
  );
  expect(found, state).toEqual([]);
}
