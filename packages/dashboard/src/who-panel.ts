/**
 * Shows who was behind the burst that the user went to, or who went missing in the stall: the keys
 * from /v1/bursts?who, compared with the rest of the range. The user chooses the kind of key in a
 * list.
 */
import type { Bursts } from '@reto3/client/answers';
import type { Client } from './client.ts';
import { element, rowOf, write } from './elements.ts';
import { lengthText, percentText, shortText, wholeText } from './format.ts';
import type { Range } from './view.ts';

type Burst = Bursts['bursts']['list'][number];
type Culprit = NonNullable<Burst['who']>[number];

/** A burst or a stall, and the range in which it was found. */
export interface Chosen {
  readonly kind: 'burst' | 'stall';
  readonly stretch: Range;
  readonly range: Range;
}

const beforeMs = 10_000;

export class WhoPanel {
  readonly #client: Client;
  #chosen: Chosen | undefined;
  #request = new AbortController();

  constructor(client: Client) {
    this.#client = client;
    element('who-key', HTMLSelectElement).addEventListener('change', () => {
      if (this.#chosen !== undefined) this.show(this.#chosen);
    });
  }

  show(chosen: Chosen): void {
    this.#request.abort();
    this.#request = new AbortController();
    this.#chosen = chosen;
    element('who', HTMLElement).hidden = false;
    write('who-title', chosen.kind === 'burst' ? 'Who was behind it' : 'Who went missing');
    this.#message('Reading who it was …');
    void this.#ask(chosen, this.#request.signal);
  }

  hide(): void {
    this.#request.abort();
    this.#chosen = undefined;
    element('who', HTMLElement).hidden = true;
  }

  async #ask({ kind, stretch, range }: Chosen, signal: AbortSignal): Promise<void> {
    try {
      const key = element('who-key', HTMLSelectElement).value;
      const missing = await this.#missing(key);
      if (signal.aborted) return;
      if (missing !== undefined) {
        this.#message(`Not known: ${missing}.`);
        return;
      }
      const { bursts, stalls } = await this.#client.bursts(range, signal, key);
      if (signal.aborted) return;
      const listed: readonly (Range & { readonly who?: Burst['who'] })[] =
        kind === 'burst' ? bursts.list : stalls.list;
      const found = listed.find(({ from, to }) => from === stretch.from && to === stretch.to);
      this.#write(kind, found?.who ?? []);
    } catch (error) {
      if (signal.aborted) return;
      this.#message(`Not known: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /**
   * What the server lacks to answer; undefined if nothing. Checked first, because browsers report
   * every answer other than 200 as an error of the page.
   */
  async #missing(key: string): Promise<string | undefined> {
    const { selector } = this.#client;
    const [{ archive }, reports] = await Promise.all([this.#client.info(), this.#client.reports()]);
    const report = reports.find(({ name }) => name === `by:${key}`);
    if (selector.scope === 'node')
      return archive === undefined && report === undefined
        ? `the server keeps no archive and no report by:${key} (start it with --archive, or with --report by:${key})`
        : undefined;
    const cure = `start every node with --report by:${key}`;
    if (report === undefined) return `no node runs the report by:${key} (${cure})`;
    const without = (report.nodes ?? []).flatMap(({ name, state }) =>
      state === 'without' && (selector.node ?? name) === name ? [name] : [],
    );
    return without.length === 0
      ? undefined
      : `${without.join(', ')} ${without.length === 1 ? 'does' : 'do'} not run the report by:${key} (${cure})`;
  }

  #message(text: string): void {
    write('who-shown', text);
    element('who-list', HTMLElement).hidden = true;
  }

  #write(kind: Chosen['kind'], who: readonly Culprit[]): void {
    const [first] = who;
    if (first === undefined) {
      this.#message('Nobody stands out: all keys came as they usually do.');
      return;
    }
    const name = nameOf(first);
    const usual = first.baselineShare === 0 ? 'nothing' : percentText(first.baselineShare);
    write(
      'who-shown',
      kind === 'burst'
        ? `${name} made ${percentText(first.share)} of it, and ${usual} of the rest of the range.`
        : `${name} usually makes ${usual} of the messages.`,
    );
    element('who-list', HTMLElement).hidden = false;
    element('who-rows', HTMLTableSectionElement).replaceChildren(
      ...who.map((culprit) => rowOf(cellsOf(culprit))),
    );
  }
}

function cellsOf(culprit: Culprit): string[] {
  const { count, atMost, share, baselineShare, lift, before } = culprit;
  const more = atMost === undefined ? '' : ` to ${wholeText(atMost)}`;
  return [
    nameOf(culprit),
    wholeText(count) + more,
    percentText(share),
    percentText(baselineShare),
    lift === 0 ? '–' : `× ${shortText(lift)}`,
    before === undefined ? '–' : `${wholeText(before)} in ${lengthText(beforeMs)}`,
  ];
}

function nameOf({ key }: Culprit): string {
  return key === '' ? '(none)' : key;
}
