/** Collects values by metric and name, and returns them as series. */
import type { Series } from './result.ts';

export class Collected {
  readonly #values = new Map<string, Map<string, number[]>>();

  add(metric: string, name: string, value: number): void {
    const byName = this.#values.get(metric) ?? new Map<string, number[]>();
    this.#values.set(metric, byName);
    byName.set(name, [...(byName.get(name) ?? []), value]);
  }

  /** By name, in order of first appearance. */
  series(metric: string): Series[] {
    return [...(this.#values.get(metric) ?? [])].map(([name, values]) => ({ name, values }));
  }
}
