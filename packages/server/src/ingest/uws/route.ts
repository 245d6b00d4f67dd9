/**
 * Which handler a request goes to, by its method.
 *
 * The newer build hands over methods that are none, such as `GET:`. Behind a proxy that forwards
 * trailers such a method is a second message: the parser skips two bytes behind the last chunk, and
 * takes the trailer `abGET: / HTTP/1.1` for a request line. Common methods have routes of their own,
 * so that only others pay for the check. The older build knows the common methods only.
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

/** Has the handler take every request; the connection is closed where the method is no token. */
export function route(app: Routes, handler: Handler): void {
  for (const method of common) app[method]('/*', handler);
  app.any('/*', (response: HttpResponse, request: HttpRequest) => {
    if (token.test(request.getCaseSensitiveMethod())) handler(response, request);
    else response.close();
  });
}
