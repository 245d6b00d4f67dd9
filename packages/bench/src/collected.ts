/** Values as they come in, by what was measured and of whom; in the end, series. */
import type { Series } from './result.ts';

export class Collected {
  readonly #values = new Map<string, Map<string, number[]>>();

  add(metric: string, name: string, value: number): void {
    const byName = this.#values.get(metric) ?? new Map<string, number[]>();
    this.#values.set(metric, byName);
    byName.set(name, [...(byName.get(name) ?? []), value]);
  }

  /** In the order in which they first came. */
  series(metric: string): Series[] {
    return [...(this.#values.get(metric) ?? [])].map(([name, values]) => ({ name, values }));
  }
}
