/** Scrapes /metrics like Prometheus. */

export interface Scraped {
  readonly text: string;
  /** Each metric's type and labels, such as `histogram thread`, by name. */
  readonly families: ReadonlyMap<string, string>;
  /**
   * A sample by its name in the text: `reto3_ready`, `name{label="value"}`.
   * @throws if there is none
   */
  value(sample: string): number;
  find(sample: string): number | undefined;
  /** All samples with this name, whatever their labels. */
  sum(name: string): number;
}

export async function scrape(adminUrl: string): Promise<Scraped> {
  const response = await fetch(`${adminUrl}/metrics`);
  const type = response.headers.get('content-type');
  if (response.status !== 200 || !type?.startsWith('text/plain; version=0.0.4'))
    throw new Error(`got status ${response.status}, ${type} from /metrics`);
  const text = await response.text();
  const samples = new Map<string, number>();
  for (const [, sample = '', value] of text.matchAll(/^([a-z]\w*(?:\{.*\})?) (\S+)$/gm))
    samples.set(sample, Number(value));
  const find = (sample: string): number | undefined => samples.get(sample);
  return {
    text,
    families: familiesOf(text),
    find,
    value: (sample) => {
      const value = find(sample);
      if (value === undefined) throw new Error(`there is no ${sample} in /metrics`);
      return value;
    },
    sum: (name) =>
      [...samples]
        .filter(([sample]) => sample.split('{')[0] === name)
        .reduce((sum, [, value]) => sum + value, 0),
  };
}

function familiesOf(text: string): Map<string, string> {
  const families = new Map<string, string>();
  for (const [, name = '', type] of text.matchAll(/^# TYPE (\w+) (\w+)$/gm)) {
    const sample = new RegExp(`^${name}(?:_bucket)?\\{(.*)\\} `, 'm').exec(text)?.[1] ?? '';
    const labels = [...sample.matchAll(/(\w+)="/g)].map((match) => match[1]);
    families.set(name, `${type} ${labels.filter((label) => label !== 'le').join(', ')}`);
  }
  return families;
}
