/**
 * One kind of data that a node publishes, seconds or rows of reports: what the cluster lacks of it,
 * and the messages with it. The publisher drives both kinds alike.
 */

/** What each message says about the node's boot. */
export interface Boot {
  readonly boot: number;
  /** Epoch ms. */
  readonly vouchedFrom: number;
  /** The first boot that published this folder. */
  readonly lineage: number;
  /** Reports from boots before this one are void; 0: none. */
  readonly voids: number;
}

export interface Outgoing {
  readonly bytes: Uint8Array;
  /** It bypasses the stream and may be lost. */
  readonly past: boolean;
  /** Call it when the message was sent or, if it is for the stream, acknowledged. */
  sent(): void;
}

export interface Lane {
  /** Whether something can be read or sent now. */
  isDue(): boolean;
  /** The next message; undefined if what was read must first reach the disk. */
  next(boot: Boot): Promise<Outgoing | undefined>;
  /** The last message failed, or could not be made: its contents are pending again. */
  failed(): void;
  /**
   * Messages that bypass a stream that refuses the lane's own: everything since the newest message
   * that the stream accepted, or none if mergers could not use them. A lane without this method waits
   * for the stream.
   */
  refused?(boot: Boot): Promise<readonly Uint8Array[]>;
  /** From now on everything left is due, and nothing after that. */
  end(): void;
}
