/** Typed access to the elements of index.html. */

export function element<E extends HTMLElement>(id: string, kind: new () => E): E {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`BUG: index.html has no ${kind.name} with the id "${id}"`);
}

/** Sets the text of an element if it has changed. */
export function write(id: string, text: string): void {
  const target = element(id, HTMLElement);
  if (target.textContent !== text) target.textContent = text;
}

/** Longer figures than 999,999,999 get a smaller type. */
const longFigure = 12;

/** Sets the figure of a tile, in a type in which it fits. */
export function writeFigure(id: string, text: string): void {
  write(id, text);
  element(id, HTMLElement).classList.toggle('long', text.length > longFigure);
}

/**
 * Sets whether a button is pressed. As an attribute, since older browsers do not know the property
 * `ariaPressed`.
 */
export function setPressed(button: HTMLElement, isPressed: boolean): void {
  button.setAttribute('aria-pressed', String(isPressed));
}

/** A table row; its first cell is the row header. */
export function rowOf([head = '', ...cells]: readonly (string | Node)[]): HTMLTableRowElement {
  const row = document.createElement('tr');
  const first = document.createElement('th');
  first.scope = 'row';
  first.append(head);
  row.append(first);
  for (const cell of cells) row.insertCell().append(cell);
  return row;
}
