/**
 * The register of nodes: who may publish under a name, and as which boot.
 *
 * - A lease for each name, in a bucket whose entries expire: two servers with one name would undo
 *   each other's counts, so the second one is told, and waits. It is no lock: a node that cannot ask
 *   goes on, and if somebody takes its name meanwhile, the later boot voids what it says.
 * - A record of the last boot under that name, in a bucket that lasts. A folder whose own last boot
 *   is another one is not what published last: it was restored, or cloned. Then what was published
 *   under the name is void, and all that the folder holds is published.
 */
import type { KV, KvEntry } from '@nats-io/kv';
import { terminalCell } from '@reto3/core';
import { isBoot } from './incoming.ts';

/** The entry of a node that lives. */
export interface Lease {
  /** One for each process. */
  readonly instance: string;
  /** Machine and folder: whoever holds the folder's lock follows a process that is gone. */
  readonly place: string;
}

export type Claim =
  | { readonly granted: true }
  /** Somebody else has the name: where. */
  | { readonly granted: false; readonly holder: string };

interface BootRecord {
  readonly boot: number;
}

/** Of a holder's place, which anybody may have written, so much is shown. */
const mostHolder = 300;

export class Register {
  readonly #leases: KV;
  readonly #records: KV;
  readonly #node: string;
  readonly #lease: Lease;
  /** The revision of our own entry; 0 while we have none. */
  #revision = 0;
  #hadLease = false;

  constructor(buckets: { readonly leases: KV; readonly records: KV }, node: string, lease: Lease) {
    this.#leases = buckets.leases;
    this.#records = buckets.records;
    this.#node = node;
    this.#lease = lease;
  }

  /** Takes the name, or keeps it. To be called a few times within the lease's time. */
  async claim(): Promise<Claim> {
    // An update of which the answer was lost makes the next one a conflict, with ourselves.
    for (let attempt = 0; attempt < 2; attempt++) {
      const entry = await this.#leases.get(this.#node);
      const held = entry?.operation === 'PUT' ? leaseIn(entry) : undefined;
      const mine = held?.instance === this.#lease.instance;
      // At the start only: later on somebody in the same place is no predecessor, but a rival.
      const follows = !this.#hadLease && held?.place === this.#lease.place;
      if (held !== undefined && !mine && !follows)
        return { granted: false, holder: terminalCell(held.place).slice(0, mostHolder) };
      const value = JSON.stringify(this.#lease);
      try {
        this.#revision =
          entry === null
            ? await this.#leases.create(this.#node, value)
            : await this.#leases.update(this.#node, value, entry.revision);
        this.#hadLease = true;
        return { granted: true };
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
    }
    // Somebody else was faster; the next turn shows who.
    return { granted: false, holder: 'another server' };
  }

  /** Gives the name back, so that the next server need not wait. */
  async release(): Promise<void> {
    if (this.#revision === 0) return;
    await this.#leases.delete(this.#node, { previousSeq: this.#revision });
  }

  /** The last boot under the name; 0 where there was none. */
  async lastBoot(): Promise<number> {
    const entry = await this.#records.get(this.#bootKey);
    if (entry === null || entry.operation !== 'PUT') return 0;
    const record = jsonIn(entry);
    return isBootRecord(record) ? record.boot : 0;
  }

  async recordBoot(boot: number): Promise<void> {
    await this.#records.put(this.#bootKey, JSON.stringify({ boot } satisfies BootRecord));
  }

  get #bootKey(): string {
    return `boot.${this.#node}`;
  }
}

/** Undefined where it is none: whoever may write into the bucket can write anything. */
function jsonIn(entry: KvEntry): unknown {
  try {
    return entry.json();
  } catch {
    return undefined;
  }
}

function leaseIn(entry: KvEntry): Lease | undefined {
  const lease = jsonIn(entry);
  return isLease(lease) ? lease : undefined;
}

function isLease(value: unknown): value is Lease {
  return (
    typeof value === 'object' &&
    value !== null &&
    'instance' in value &&
    typeof value.instance === 'string' &&
    'place' in value &&
    typeof value.place === 'string'
  );
}

function isBootRecord(value: unknown): value is BootRecord {
  return (
    typeof value === 'object' &&
    value !== null &&
    'boot' in value &&
    typeof value.boot === 'number' &&
    // There has to be room for all boots that will follow it.
    isBoot(value.boot) &&
    isBoot(2 * value.boot)
  );
}

/** JetStream's "wrong last sequence": the entry is not as it was read. */
function isConflict(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === wrongLastSequence;
}

const wrongLastSequence = 10_071;
