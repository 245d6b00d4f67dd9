/** Limits of connections with uWebSockets.js: how many, and how long one may be idle. */
import type { HttpResponse } from 'uWebSockets.js';
import { idleSeconds } from '../engine.ts';

/**
 * Returns a listener for connections that begin (1) and end (-1). It closes those beyond `max` at
 * once, and calls `onSilentEnd` for each that ends without a message.
 */
export function connectionLimiter(
  max: number,
  onSilentEnd: () => void,
): (response: HttpResponse, change: number) => void {
  let open = 0;
  return (response, change) => {
    open += change;
    if (change < 0) return;
    // The first answer removes this handler, and so does a message that waits for its body or the
    // disk.
    response.onAborted(onSilentEnd);
    if (open > max) response.close();
  };
}

/** The newer build has these methods, though its types omit them. Both return the app. */
interface SettableTimeouts {
  /** For connections that have not sent a request yet. */
  setIdleTimeout(seconds: number): unknown;
  /**
   * For connections whose last request was answered. One that waits for its answer has no limit.
   */
  setResponseTimeout(seconds: number): unknown;
}

function hasSettableTimeouts(app: object): app is SettableTimeouts {
  return 'setIdleTimeout' in app && 'setResponseTimeout' in app;
}

/**
 * Makes an app close connections that are idle for 10 s; uWebSockets.js checks every 4 s. The older
 * build does so by itself; the newer one would wait for 30 s.
 */
export function limitIdleTime(app: object): void {
  if (!hasSettableTimeouts(app)) return;
  app.setIdleTimeout(idleSeconds);
  app.setResponseTimeout(idleSeconds);
}
