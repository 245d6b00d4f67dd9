/**
 * Routes a request to a handler by its method.
 *
 * The newer build passes on invalid methods such as `GET:`. Behind a proxy that forwards trailers,
 * such a method is a smuggled message: the parser skips two bytes after the last chunk, and takes
 * the trailer `abGET: / HTTP/1.1` for a request line. Common methods have their own routes, so only
 * others pay for the check. The older build knows only common methods.
 */
import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import type { Handler } from './handlers.ts';

const common = [
  'post',
  'get',
  'put',
  'head',
  'patch',
  'del',
  'options',
  'connect',
  'trace',
] as const;

/** RFC 9110, section 5.6.2. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

type Routes = Pick<TemplatedApp, (typeof common)[number] | 'any'>;

/** Routes every request to the handler; closes the connection if the method is not a token. */
export function route(app: Routes, handler: Handler): void {
  for (const method of common) app[method]('/*', handler);
  app.any('/*', (response: HttpResponse, request: HttpRequest) => {
    if (token.test(request.getCaseSensitiveMethod())) handler(response, request);
    else response.close();
  });
}
