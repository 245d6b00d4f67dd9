/** Bounds of connections with uWebSockets.js: how many, and for how long one may be quiet. */
import type { HttpResponse } from 'uWebSockets.js';
import { quietSeconds } from '../engine.ts';

/**
 * Told of each connection that begins (1) and ends (-1): closes those above `most` at once, and calls
 * `endedSilent` for each that ends without a message.
 */
export function connectionBound(
  most: number,
  endedSilent: () => void,
): (response: HttpResponse, change: number) => void {
  let open = 0;
  return (response, change) => {
    open += change;
    if (change < 0) return;
    // The first answer takes this handler away; so does a message that waits for its body or the disk.
    response.onAborted(endedSilent);
    if (open > most) response.close();
  };
}

/** The newer build has them, though its types leave them out. Both give the app. */
interface SettableTimeouts {
  /** Of connections that have sent no request yet. */
  setIdleTimeout(seconds: number): unknown;
  /** Of those whose last request was answered; one that still waits for its answer has no limit. */
  setResponseTimeout(seconds: number): unknown;
}

function hasSettableTimeouts(app: object): app is SettableTimeouts {
  return 'setIdleTimeout' in app && 'setResponseTimeout' in app;
}

/**
 * Has an app close connections that are quiet for 10 s; uWebSockets.js looks every 4 s. The older
 * build has that built in; the newer one would wait for 30.
 */
export function limitQuiet(app: object): void {
  if (!hasSettableTimeouts(app)) return;
  app.setIdleTimeout(quietSeconds);
  app.setResponseTimeout(quietSeconds);
}
