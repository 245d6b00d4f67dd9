/**
 * The switch: whose counts the page shows. The server's own, those of the cluster that it adds up, or
 * those of one of its nodes; what is chosen stands in the address as well.
 */
import { type Client, type Info, isSame, type Whose } from './client.ts';
import { element } from './elements.ts';
import { whoseFromHash } from './view.ts';

export class WhoseSwitch {
  readonly #client: Client;
  readonly #changed: () => void;
  readonly #one = element('one-node', HTMLSelectElement);
  /** What somebody chose, or the address names; undefined: what this server is for. */
  #chosen: Whose | undefined;
  #names: readonly string[] = [];

  /**
   * @param chosen is called when somebody has chosen
   * @param changed is called when the counts of somebody else are wanted
   */
  constructor(
    client: Client,
    events: { readonly chosen: () => void; readonly changed: () => void },
  ) {
    this.#client = client;
    this.#changed = events.changed;
    const choose = (whose: Whose): void => {
      this.choose(whose);
      events.chosen();
    };
    for (const button of buttons()) {
      const scope = button.dataset['scope'] === 'cluster' ? 'cluster' : 'node';
      button.addEventListener('click', () => choose({ scope }));
    }
    this.#one.addEventListener('change', () => {
      const node = this.#one.value;
      choose(node === '' ? { scope: 'cluster' } : { scope: 'cluster', node });
    });
  }

  /** Takes over what the address says, to be confirmed by what the server has. */
  read(hash: string): void {
    this.#chosen = whoseFromHash(hash);
  }

  choose(whose: Whose): void {
    this.#chosen = whose;
    this.#show(whose);
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

  /** The nodes that there are. An open list is left alone where nothing is new in it. */
  offerNodes(names: readonly string[]): void {
    if (names.join() === this.#names.join()) return;
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
    this.#changed();
  }

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
