/** The part of a bucket that the register uses, in memory. */
import type { KV } from '@nats-io/kv';

export class MemoryBucket {
  readonly entries = new Map<string, { value: string; revision: number }>();

  get kv(): KV {
    const get = async (key: string) => {
      const entry = this.entries.get(key);
      const json = () => JSON.parse(entry?.value ?? '');
      return entry === undefined ? null : { operation: 'PUT', revision: entry.revision, json };
    };
    const put = async (key: string, value: string): Promise<number> => {
      const revision = (this.entries.get(key)?.revision ?? 0) + 1;
      this.entries.set(key, { value, revision });
      return revision;
    };
    return { get, put, create: put, update: put } as unknown as KV;
  }

  write(key: string, value: unknown): void {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    this.entries.set(key, { value: text, revision: 1 });
  }
}
