/** A server's part in its cluster, as the API and the metrics show it. */
import type { Merger } from './merger.ts';
import type { Role } from './options.ts';
import type { PublisherState } from './publisher.ts';

export interface ClusterState {
  readonly role: Role;
  readonly stream: string;
  /** The NATS server that it is connected to, if any. */
  readonly server: string | undefined;
  /** What prevents it from publishing or merging, if anything does. */
  readonly problem: string | undefined;
  readonly publisher: PublisherState | undefined;
  readonly merger: (Merger['counters'] & { readonly finalThrough: number }) | undefined;
}
