/** Reports when counting lags behind a followed log, and when its file is missing. */

/** During a rotation a file may be missing briefly, and counting always lags a little. */
const patienceMs = 10_000;

export interface DelayEvents {
  /** The file has been missing for a while, and no new one has come. */
  gone(): void;
  /** Reading has not reached the end for a while. */
  behind(bytes: number): void;
  caughtUp(): void;
}

export class Delays {
  readonly #events: DelayEvents;
  /** Since when, monotonic ms; undefined while all is well. */
  #missingSince: number | undefined;
  #behindSince: number | undefined;
  #hasSaidGone = false;
  #hasSaidBehind = false;
  /** Bytes not read yet. */
  behindBytes = 0;

  constructor(events: DelayEvents) {
    this.#events = events;
  }

  get isMissing(): boolean {
    return this.#missingSince !== undefined;
  }

  /** @param isPresent whether the file being read is still at the path */
  present(isPresent: boolean, nowMs: number): void {
    this.#missingSince = isPresent ? undefined : (this.#missingSince ?? nowMs);
    const isGone = hasLasted(this.#missingSince, nowMs);
    if (isGone && !this.#hasSaidGone) this.#events.gone();
    this.#hasSaidGone = isGone;
  }

  /** @param bytes left to read; undefined at the end */
  left(bytes: number | undefined, nowMs: number): void {
    this.behindBytes = bytes ?? 0;
    this.#behindSince = bytes === undefined ? undefined : (this.#behindSince ?? nowMs);
    const isBehind = hasLasted(this.#behindSince, nowMs);
    if (isBehind && !this.#hasSaidBehind) this.#events.behind(this.behindBytes);
    if (!isBehind && this.#hasSaidBehind) this.#events.caughtUp();
    this.#hasSaidBehind = isBehind;
  }
}

function hasLasted(since: number | undefined, nowMs: number): boolean {
  return since !== undefined && nowMs - since >= patienceMs;
}
