/** Says when a followed log stays behind what is written to it, and when its file stays away. */

/** A file that is being rotated may be missing for a moment, and one that grows is behind for one. */
const patienceMs = 10_000;

export interface DelayEvents {
  /** The file of the path is there no more, and no new one has come for a while. */
  gone(): void;
  /** It has been read for a while without coming to its end. */
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
  /** How many bytes are not read yet. */
  behindBytes = 0;

  constructor(events: DelayEvents) {
    this.#events = events;
  }

  get isMissing(): boolean {
    return this.#missingSince !== undefined;
  }

  /** Takes whether the file of the path, which is being read, is still there. */
  present(isPresent: boolean, nowMs: number): void {
    this.#missingSince = isPresent ? undefined : (this.#missingSince ?? nowMs);
    const isGone = hasLasted(this.#missingSince, nowMs);
    if (isGone && !this.#hasSaidGone) this.#events.gone();
    this.#hasSaidGone = isGone;
  }

  /** Takes how many bytes are left to be read; undefined at the end. */
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
