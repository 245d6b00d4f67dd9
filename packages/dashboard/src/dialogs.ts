/** The dialogs: help, token, and a range of dates and times. */
import type { Client } from './client.ts';
import { element, write } from './elements.ts';
import { lengthText } from './format.ts';
import { maxSpanMs } from './period.ts';
import type { Range } from './view.ts';
import { timeOfWall, wallText, zone } from './zone.ts';

export function askToken(client: Client, reason: string): void {
  const error = element('token-error', HTMLElement);
  error.hidden = client.token === undefined;
  error.textContent = `The server rejected this token: ${reason}.`;
  const dialog = element('token-dialog', HTMLDialogElement);
  if (!dialog.open) dialog.showModal();
}

/** @param retry called to try a new token */
export function connectToken(client: Client, retry: () => void): void {
  const dialog = element('token-dialog', HTMLDialogElement);
  // The dialog stays open, because without a token there is nothing to show. Some browsers close it
  // at the second Escape nevertheless.
  let isAnswered = false;
  dialog.addEventListener('cancel', (event) => event.preventDefault());
  dialog.addEventListener('close', () => {
    // Only now, or a token that fails at once would find the dialog still open.
    if (isAnswered) retry();
    else dialog.showModal();
    isAnswered = false;
  });
  const forget = element('forget', HTMLButtonElement);
  element('token-form', HTMLFormElement).addEventListener('submit', () => {
    const input = element('token', HTMLInputElement);
    isAnswered = true;
    client.token = input.value.trim();
    input.value = '';
    forget.hidden = false;
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

/** @param shown returns the range of the chart, as the initial value */
export function connectRange(shown: () => Range | undefined, chosen: (range: Range) => void): void {
  const dialog = element('range-dialog', HTMLDialogElement);
  /** What the fields show at first. They lack milliseconds, and the zone of a repeated hour. */
  const given = new Map<HTMLInputElement, { readonly text: string; readonly time: number }>();
  const first = element('range-from', HTMLInputElement);
  const last = element('range-to', HTMLInputElement);
  element('range', HTMLButtonElement).addEventListener('click', () => {
    const range = shown();
    if (range === undefined) return;
    for (const [field, time] of [[first, range.from] as const, [last, range.to] as const]) {
      field.value = wallText(time);
      given.set(field, { text: field.value, time });
    }
    last.setCustomValidity('');
    // Without the offset, which may differ at the times that the user enters.
    const clock = zone() === 'utc' ? 'UTC' : 'local';
    write('range-zone', `Times are ${clock}. At most ${lengthText(maxSpanMs)}.`);
    dialog.showModal();
  });
  const timeIn = (field: HTMLInputElement): number | undefined => {
    const shown = given.get(field);
    return field.value === shown?.text ? shown.time : timeOfWall(field.value);
  };
  const check = (): Range | undefined => {
    const [from, to] = [timeIn(first), timeIn(last)];
    const problem =
      from === undefined || to === undefined
        ? 'Enter both times.'
        : from >= to
          ? 'The end must be after the start.'
          : to - from > maxSpanMs
            ? `At most ${lengthText(maxSpanMs)} at once.`
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
