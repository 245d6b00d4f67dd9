/**
 * One kind of what a node publishes, its seconds or the rows of its reports: what of it the cluster
 * lacks, and the messages made of that. The publisher drives both alike.
 */

/** What this boot says of itself in every message. */
export interface Boot {
  readonly boot: number;
  /** Epoch ms. */
  readonly vouchedFrom: number;
  /** The boot that began on this folder. */
  readonly lineage: number;
  /** What the reports of boots before that one said is void; 0: nothing is. */
  readonly voids: number;
}

export interface Outgoing {
  readonly bytes: Uint8Array;
  /** It goes past the stream, to whoever listens; it may be lost. */
  readonly past: boolean;
  /** To be called when it was sent, or is in the stream for good. */
  sent(): void;
}

export interface Lane {
  /** Whether something can be read or sent now. */
  isDue(): boolean;
  /** The next message; undefined where what was read has to wait for the disk. */
  next(boot: Boot): Promise<Outgoing | undefined>;
  /** The last message did not get through, or could not be made: what it held is due again. */
  failed(): void;
  /**
   * Messages that bypass a stream that refuses the lane's own: everything since the newest message
   * that the stream accepted, or none if mergers could not use them. A lane without this method waits
   * for the stream.
   */
  refused?(boot: Boot): Promise<readonly Uint8Array[]>;
  /** From now on all that is there is due, and then nothing. */
  end(): void;
}
