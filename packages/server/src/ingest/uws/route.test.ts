import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { describe, expect, it } from 'vitest';
import type { Handler } from './handlers.ts';
import { route } from './route.ts';

class FakeApp {
  readonly routes = new Map<string, Handler>();

  readonly post = this.#route('post');
  readonly get = this.#route('get');
  readonly put = this.#route('put');
  readonly head = this.#route('head');
  readonly patch = this.#route('patch');
  readonly del = this.#route('del');
  readonly options = this.#route('options');
  readonly connect = this.#route('connect');
  readonly trace = this.#route('trace');
  readonly any = this.#route('any');

  #route(name: string) {
    return (_pattern: unknown, handler: Handler): never => {
      this.routes.set(name, handler);
      return this as never;
    };
  }
}

describe('route', () => {
  it.each([
    ['PURGE', 1, 0],
    ['M-SEARCH', 1, 0],
    ['GET:', 0, 1],
    ['G@T', 0, 1],
    ['', 0, 1],
  ])('method "%s" is handled %i times and closed %i times', (method, handled, closed) => {
    const app = new FakeApp();
    let calls = 0;
    let closes = 0;
    route(app, () => calls++);
    const response = { close: () => closes++ } as unknown as HttpResponse;
    const request = { getCaseSensitiveMethod: () => method } as unknown as HttpRequest;
    app.routes.get('any')?.(response, request);
    expect([calls, closes]).toEqual([handled, closed]);
  });

  it('takes common methods unchecked', () => {
    const app = new FakeApp();
    const handler: Handler = () => undefined;
    route(app, handler);
    const unchecked = [...app.routes].filter(([, taken]) => taken === handler);
    expect(unchecked.map(([name]) => name).sort()).toEqual(
      ['connect', 'del', 'get', 'head', 'options', 'patch', 'post', 'put', 'trace'].sort(),
    );
  });
});
