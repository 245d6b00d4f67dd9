/**
 * The scope switch: this server, its cluster, or one node. The address of the page names the
 * choice.
 */
import type { Info } from '@reto3/client/answers';
import type { Client } from './client.ts';
import { element, setPressed } from './elements.ts';
import { isSame, type ScopeSelector } from './scope.ts';
import { selectorFromHash } from './view.ts';

interface ScopeSwitchEvents {
  /** Called when the user has chosen a scope. */
  chosen(): void;
  /** Called when the page shows other counts. */
  changed(): void;
}

export class ScopeSwitch {
  readonly #client: Client;
  readonly #events: ScopeSwitchEvents;
  readonly #one = element('one-node', HTMLSelectElement);
  /** The choice of the user or the address; undefined for the server's default. */
  #chosen: ScopeSelector | undefined;
  #names: readonly string[] = [];

  constructor(client: Client, events: ScopeSwitchEvents) {
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

  /** Reads the scope from the address. `offer` corrects a scope that the server does not have. */
  read(hash: string): void {
    this.#chosen = selectorFromHash(hash);
    if (this.#chosen !== undefined) this.#show(this.#chosen);
  }

  choose(selector: ScopeSelector): void {
    this.#chosen = selector;
    this.#show(selector);
    this.#events.chosen();
  }

  /** Offers the scopes of the server and selects one. @returns whether the server merges a cluster */
  offer({ scopes, role }: Pick<Info, 'scopes' | 'role'>): boolean {
    const hasCluster = scopes.includes('cluster');
    // A server that only merges has no counts of its own.
    const hasOwn = role !== 'merge';
    element('scope', HTMLElement).hidden = !hasCluster;
    for (const button of buttons())
      button.hidden = button.dataset['scope'] === 'node' ? !hasOwn : false;
    const fallback: ScopeSelector = { scope: hasCluster && !hasOwn ? 'cluster' : 'node' };
    const chosen = this.#chosen ?? fallback;
    this.#show(hasCluster && (hasOwn || chosen.scope === 'cluster') ? chosen : fallback);
    return hasCluster;
  }

  /** Lists the nodes of the cluster. */
  offerNodes(names: readonly string[]): void {
    this.#names = names;
    this.#showOne(this.#client.selector);
  }

  #show(selector: ScopeSelector): void {
    for (const button of buttons()) {
      const isIt = selector.node === undefined && button.dataset['scope'] === selector.scope;
      setPressed(button, isIt);
    }
    this.#showOne(selector);
    if (isSame(selector, this.#client.selector)) return;
    this.#client.selector = selector;
    this.#events.changed();
  }

  /** Leaves an unchanged list of nodes untouched, since it may be open. */
  #showOne({ node = '' }: ScopeSelector): void {
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
