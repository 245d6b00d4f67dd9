/** The dialogs: help, the token, and a range chosen by date and time. */
import type { Client } from './client.ts';
import { element, write } from './elements.ts';
import { mostSpanMs } from './period.ts';
import { lengthText } from './text.ts';
import type { Range } from './view.ts';
import { timeOfWall, wallText, zoneText } from './zone.ts';

export function askToken(client: Client, reason: string): void {
  const error = element('token-error', HTMLElement);
  error.hidden = client.token === undefined;
  error.textContent = `This token was refused: ${reason}.`;
  const dialog = element('token-dialog', HTMLDialogElement);
  if (!dialog.open) dialog.showModal();
}

/** @param retry called when there is a token to try */
export function connectToken(client: Client, retry: () => void): void {
  const dialog = element('token-dialog', HTMLDialogElement);
  // Without a token there is nothing to see behind it.
  dialog.addEventListener('cancel', (event) => event.preventDefault());
  const forget = element('forget', HTMLButtonElement);
  element('token-form', HTMLFormElement).addEventListener('submit', () => {
    const input = element('token', HTMLInputElement);
    client.token = input.value.trim();
    input.value = '';
    forget.hidden = false;
    retry();
  });
  forget.hidden = client.token === undefined;
  forget.addEventListener('click', () => {
    client.token = undefined;
    location.reload();
  });
}

export function connectHelp(): void {
  const help = element('help-dialog', HTMLDialogElement);
  element('help', HTMLButtonElement).addEventListener('click', () => help.showModal());
}

/** @param shown what the chart shows, to begin with */
export function connectRange(shown: () => Range | undefined, chosen: (range: Range) => void): void {
  const dialog = element('range-dialog', HTMLDialogElement);
  const first = element('range-from', HTMLInputElement);
  const last = element('range-to', HTMLInputElement);
  element('range', HTMLButtonElement).addEventListener('click', () => {
    const range = shown();
    if (range === undefined) return;
    first.value = wallText(range.from);
    last.value = wallText(range.to);
    last.setCustomValidity('');
    write('range-zone', `Times are ${zoneText(range.to)}. At most ${lengthText(mostSpanMs)}.`);
    dialog.showModal();
  });
  const check = (): Range | undefined => {
    const [from, to] = [timeOfWall(first.value), timeOfWall(last.value)];
    const problem =
      from === undefined || to === undefined
        ? 'Give both times.'
        : from >= to
          ? 'The end must be later than the beginning.'
          : to - from > mostSpanMs
            ? `At most ${lengthText(mostSpanMs)} at once.`
            : '';
    last.setCustomValidity(problem);
    return problem === '' && from !== undefined && to !== undefined ? { from, to } : undefined;
  };
  for (const field of [first, last]) field.addEventListener('input', check);
  element('range-form', HTMLFormElement).addEventListener('submit', (event) => {
    const range = check();
    if (range !== undefined) chosen(range);
    else event.preventDefault();
  });
  element('range-cancel', HTMLButtonElement).addEventListener('click', () => dialog.close());
}
