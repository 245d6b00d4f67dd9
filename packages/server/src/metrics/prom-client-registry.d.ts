/** Types of the prom-client module that exposition.ts uses; prom-client provides none. */
declare module 'prom-client/lib/registry.js' {
  interface Value {
    readonly metricName: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }

  interface Collected {
    readonly name: string;
    readonly help: string;
    readonly type: string;
    readonly values: readonly Value[];
  }

  class Registry {
    readonly contentType: string;
    /** @throws Error if the name is taken */
    registerMetric(metric: { readonly name: string; get(): Promise<Collected> }): void;
    metrics(): Promise<string>;
  }

  export = Registry;
}
