/**
 * The register of nodes: who may publish under a name, and as which boot.
 *
 * - A lease for each name, in a bucket whose entries expire. Two servers with one name would void each
 *   other's counts, so the second one waits. A lease is no lock: a node that cannot reach the bucket
 *   goes on, and if another server takes its name, the later boot voids what the node sends.
 * - A record of the last boot under the name, in a bucket that lasts. A folder with another last boot
 *   is not the one published last: it was restored or cloned. Then everything published under the name
 *   is void, and the whole folder is published.
 */
import type { KV, KvEntry } from '@nats-io/kv';
import { terminalCell } from '@reto3/core';
import { isBoot } from './incoming.ts';

/** The entry of a running node. */
export interface Lease {
  /** One for each process. */
  readonly instance: string;
  /** Machine and folder: the holder of the folder's lock succeeds a process that is gone. */
  readonly place: string;
}

export type Claim =
  /** Superseded: while it had lost the name, another server published under it, as a later boot. */
  | { readonly granted: true; readonly isSuperseded: boolean }
  /** Another server has the name. `holder`: its place. */
  | { readonly granted: false; readonly holder: string };

/** How much is shown of a holder's place, which anyone may have written. */
const mostHolder = 300;

export class Register {
  readonly #leases: KV;
  readonly #records: KV;
  readonly #node: string;
  readonly #lease: Lease;
  /** The revision of its own entry; 0: none. */
  #revision = 0;
  #hadLease = false;
  /** The boot that it recorded last; 0: none. */
  #boot = 0;

  constructor(buckets: { readonly leases: KV; readonly records: KV }, node: string, lease: Lease) {
    this.#leases = buckets.leases;
    this.#records = buckets.records;
    this.#node = node;
    this.#lease = lease;
  }

  /** Takes the name, or keeps it. Call it several times within the lease. */
  async claim(): Promise<Claim> {
    // If the reply to an update was lost, the next update conflicts with that one.
    for (let attempt = 0; attempt < 2; attempt++) {
      const entry = await this.#leases.get(this.#node);
      const held = entry?.operation === 'PUT' ? leaseIn(entry) : undefined;
      const mine = held?.instance === this.#lease.instance;
      // Only at the start: later, a server in the same place is a rival, not a predecessor.
      const follows = !this.#hadLease && held?.place === this.#lease.place;
      if (held !== undefined && !mine && !follows)
        return { granted: false, holder: terminalCell(held.place).slice(0, mostHolder) };
      // The lease expired, or the buckets are lost. Without the record, the next start would not
      // recognize a folder that was restored.
      const isLost = this.#boot > 0 && !mine;
      const last = isLost ? await this.lastBoot() : this.#boot;
      if (isLost && last === 0) await this.recordBoot(this.#boot);
      const value = JSON.stringify(this.#lease);
      try {
        this.#revision =
          entry === null
            ? await this.#leases.create(this.#node, value)
            : await this.#leases.update(this.#node, value, entry.revision);
        this.#hadLease = true;
        return { granted: true, isSuperseded: last > this.#boot };
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
    }
    // It was faster; the next call finds out which.
    return { granted: false, holder: 'another server' };
  }

  /** Releases the name, so that the next server need not wait. */
  async release(): Promise<void> {
    if (this.#revision === 0) return;
    await this.#leases.delete(this.#node, { previousSeq: this.#revision });
  }

  /** The last boot under the name; 0: none. */
  async lastBoot(): Promise<number> {
    const entry = await this.#records.get(this.#bootKey);
    if (entry === null || entry.operation !== 'PUT') return 0;
    const { boot } = jsonIn(entry);
    // Twice, to leave room for the boots that follow.
    return typeof boot === 'number' && isBoot(boot) && isBoot(2 * boot) ? boot : 0;
  }

  async recordBoot(boot: number): Promise<void> {
    await this.#records.put(this.#bootKey, JSON.stringify({ boot }));
    this.#boot = boot;
  }

  get #bootKey(): string {
    return `boot.${this.#node}`;
  }
}

/** The fields of an entry. Anyone with permission to write the bucket can have written anything. */
function jsonIn(entry: KvEntry): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = entry.json();
    return typeof json === 'object' && json !== null ? { ...json } : {};
  } catch {
    return {};
  }
}

function leaseIn(entry: KvEntry): Lease | undefined {
  const { instance, place } = jsonIn(entry);
  const isLease = typeof instance === 'string' && typeof place === 'string';
  return isLease ? { instance, place } : undefined;
}

/** JetStream's "wrong last sequence": the entry has changed since it was read. */
function isConflict(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === wrongLastSequence;
}

const wrongLastSequence = 10_071;
