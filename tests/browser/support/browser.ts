/**
 * Debian's headless Chromium. Requests to another host than the page's server, and errors on the
 * console, fail the test.
 */
import { setTimeout } from 'node:timers/promises';
import type { Stats } from '@reto3/client/answers';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, expect, onTestFinished } from 'vitest';
import { waitUntil } from '../../support/wait.ts';

export const program = 'chromium';

let browser: Promise<Browser> | undefined;
afterAll(async () => (await browser)?.close());

/** One browser for all tests of a file; each test has its own context, like a separate user. */
function launch(): Promise<Browser> {
  browser ??= chromium.launch({
    executablePath: '/usr/bin/chromium',
    // The sandbox needs privileges that containers lack; the pages are our own.
    args: ['--no-sandbox'],
  });
  return browser;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

interface DashboardOptions extends BrowserContextOptions {
  /** The server answers 404 at first, and the browser logs that to its console. */
  readonly mayRefuse?: boolean;
}

/** In CSS pixels of the page. */
interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export class Dashboard {
  readonly page: Page;
  /** Every address that the page requested. */
  readonly asked: string[] = [];

  private constructor(page: Page) {
    this.page = page;
  }

  /** Opens the page, at a view such as `#live=60000`. */
  static async open(
    adminUrl: string,
    hash = '',
    { mayRefuse = false, ...options }: DashboardOptions = {},
  ): Promise<Dashboard> {
    const context = await (await launch()).newContext({
      viewport: { width: 1280, height: 1000 },
      ...options,
    });
    onTestFinished(() => context.close());
    const dashboard = new Dashboard(await context.newPage());
    dashboard.#watch(adminUrl, mayRefuse);
    await dashboard.page.goto(`${adminUrl}/${hash}`);
    return dashboard;
  }

  async text(id: string): Promise<string> {
    return ((await this.page.locator(`#${id}`).textContent()) ?? '').trim();
  }

  /** A tile's number: 1,234 as 1234. */
  async number(id: string): Promise<number> {
    return Number((await this.text(id)).replaceAll(',', ''));
  }

  async untilText(id: string, wanted: string | RegExp): Promise<void> {
    const fits = (text: string): boolean =>
      typeof wanted === 'string' ? text === wanted : wanted.test(text);
    await waitUntil(`#${id} says ${wanted}`, async () => fits(await this.text(id)));
  }

  /**
   * Loads the page again if the counts of a held view were revised, which happens to messages that
   * a busy machine counts late: the page shows the old counts until then.
   */
  async reloadIfRevised({ revised }: Pick<Stats, 'revised'>): Promise<void> {
    if (revised.length > 0) await this.page.reload();
  }

  untilLive(): Promise<void> {
    return this.untilText('state', 'Live');
  }

  /** The held range in the page's address, once it fits. */
  async heldRange(what = 'held', fits: (range: Range) => boolean = () => true): Promise<Range> {
    let range: Range = { from: 0, to: 0 };
    await waitUntil(`the view is ${what}`, () => {
      const [, from, to] =
        /#from=(\d+)&to=(\d+)(?:&scope=cluster(?:&node=[\w-]+)?)?$/.exec(this.page.url()) ?? [];
      range = { from: Number(from), to: Number(to) };
      return from !== undefined && fits(range);
    });
    return range;
  }

  /**
   * Like `heldRange`, after an action with the mouse. The action is repeated if it had no effect:
   * on a busy machine, an error line may move the page under the pointer.
   */
  async heldRangeAfter(
    what: string,
    act: (plot: Box) => Promise<void>,
    fits: (range: Range) => boolean,
  ): Promise<Range> {
    let range: Range | undefined;
    await waitUntil(`the view is ${what}`, async () => {
      const plot = await this.page.locator('.u-over').boundingBox();
      if (plot === null) throw new Error('got no chart');
      await act(plot);
      // The address changes a moment later.
      for (let looks = 0; looks < 20 && range === undefined; looks++) {
        await setTimeout(100);
        const [, from, to] = /#from=(\d+)&to=(\d+)/.exec(this.page.url()) ?? [];
        const now = { from: Number(from), to: Number(to) };
        if (from !== undefined && fits(now)) range = now;
      }
      return range !== undefined;
    });
    if (range === undefined) throw new Error('BUG: the view changed back');
    return range;
  }

  #watch(adminUrl: string, mayRefuse: boolean): void {
    const complaints: string[] = [];
    this.page.on('request', (request) => this.asked.push(request.url()));
    this.page.on('pageerror', (error) => complaints.push(error.message));
    this.page.on('console', (message) => {
      // Some tests stop the server or let it ask for a token.
      const expected = mayRefuse ? /status of 404/ : /net::ERR_|status of 401/;
      if (message.type() === 'error' && !expected.test(message.text()))
        complaints.push(message.text());
    });
    onTestFinished(() => {
      expect(complaints).toEqual([]);
      expect(
        this.asked.filter((url) => !url.startsWith(adminUrl) && !url.startsWith('blob:')),
      ).toEqual([]);
    });
  }
}
