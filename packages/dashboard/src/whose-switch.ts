/**
 * The switch: whose counts the page shows. The server's own, those of the cluster that it adds up, or
 * those of one of its nodes; what is chosen stands in the address as well.
 */
import type { Info } from '@reto3/client/answers';
import type { Client } from './client.ts';
import { element } from './elements.ts';
import { whoseFromHash } from './view.ts';
import { isSame, type Whose } from './whose.ts';

interface WhoseSwitchEvents {
  /** Somebody has chosen. */
  chosen(): void;
  /** The counts of somebody else are wanted. */
  changed(): void;
}

export class WhoseSwitch {
  readonly #client: Client;
  readonly #events: WhoseSwitchEvents;
  readonly #one = element('one-node', HTMLSelectElement);
  /** What somebody chose, or the address names; undefined: what this server is for. */
  #chosen: Whose | undefined;
  #names: readonly string[] = [];

  constructor(client: Client, events: WhoseSwitchEvents) {
    this.#client = client;
    this.#events = events;
    for (const button of buttons()) {
      const scope = button.dataset['scope'] === 'cluster' ? 'cluster' : 'node';
      button.addEventListener('click', () => this.choose({ scope }));
    }
    this.#one.addEventListener('change', () => {
      const node = this.#one.value;
      this.choose(node === '' ? { scope: 'cluster' } : { scope: 'cluster', node });
    });
  }

  /** Takes over what the address says; `offer` corrects what the server does not have. */
  read(hash: string): void {
    this.#chosen = whoseFromHash(hash);
    if (this.#chosen !== undefined) this.#show(this.#chosen);
  }

  choose(whose: Whose): void {
    this.#chosen = whose;
    this.#show(whose);
    this.#events.chosen();
  }

  /** Offers what the server has, and shows what is chosen of it. Returns whether it adds up a cluster. */
  offer({ scopes, role }: Pick<Info, 'scopes' | 'role'>): boolean {
    const hasCluster = scopes.includes('cluster');
    // A server that only adds up counts nothing itself.
    const hasOwn = role !== 'merge';
    element('scope', HTMLElement).hidden = !hasCluster;
    for (const button of buttons())
      button.hidden = button.dataset['scope'] === 'node' ? !hasOwn : false;
    const usual: Whose = { scope: hasCluster && !hasOwn ? 'cluster' : 'node' };
    const chosen = this.#chosen ?? usual;
    this.#show(hasCluster && (hasOwn || chosen.scope === 'cluster') ? chosen : usual);
    return hasCluster;
  }

  /** The nodes that there are. */
  offerNodes(names: readonly string[]): void {
    this.#names = names;
    this.#showOne(this.#client.whose);
  }

  #show(whose: Whose): void {
    for (const button of buttons()) {
      const isIt = whose.node === undefined && button.dataset['scope'] === whose.scope;
      button.ariaPressed = String(isIt);
    }
    this.#showOne(whose);
    if (isSame(whose, this.#client.whose)) return;
    this.#client.whose = whose;
    this.#events.changed();
  }

  /** The list of nodes is left alone where nothing is new in it: it may be open. */
  #showOne({ node = '' }: Whose): void {
    const names = node === '' || this.#names.includes(node) ? this.#names : [node, ...this.#names];
    const options = [new Option('One node…', ''), ...names.map((name) => new Option(name, name))];
    const shown = [...this.#one.options].map(({ value }) => value);
    if (shown.join() !== options.map(({ value }) => value).join())
      this.#one.replaceChildren(...options);
    this.#one.value = node;
    this.#one.classList.toggle('chosen', node !== '');
  }
}

function buttons(): NodeListOf<HTMLButtonElement> {
  return document.querySelectorAll<HTMLButtonElement>('button[data-scope]');
}
