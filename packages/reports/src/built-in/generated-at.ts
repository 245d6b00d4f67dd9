/**
 * Reads the time stamp of a message, the form field `value=YYYY-MM-DD HH:MM:SS.uuuuuu` (UTC),
 * percent-encoded or not, with a space or a plus between date and time. The fraction may be absent.
 */
import type { Message } from '../contract.ts';

const formField = Buffer.from('value=');
const plain = 'value=YYYY-MM-DD HH:MM:SS.';
const secondChars = 'YYYY-MM-DD HH:MM:SS'.length;
/** Only this much of the body is searched; other fields may come first. */
const maxSearchedBytes = 4_096;

// Cached, since several reports read the same message, and neighbours share their second.
let lastMessage: Message | undefined;
let lastTime: number | undefined;
let lastSecond = '';
let lastSecondMs = Number.NaN;

/** Epoch ms, rounded down; undefined if the message has no valid stamp. */
export function generatedAt(message: Message): number | undefined {
  if (message === lastMessage) return lastTime;
  lastTime = read(message.body);
  lastMessage = message;
  return lastTime;
}

function read(body: Uint8Array): number | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, maxSearchedBytes));
  if (bytes.length >= plain.length && bytes.subarray(0, formField.length).equals(formField)) {
    const time = timeOf(bytes.toString('latin1', formField.length));
    if (time !== undefined) return time;
  }
  if (!bytes.includes(formField)) return undefined;
  const value = new URLSearchParams(bytes.toString('latin1')).get('value');
  return value === null ? undefined : timeOf(value);
}

function timeOf(text: string): number | undefined {
  const second = text.slice(0, secondChars);
  if (second !== lastSecond) {
    lastSecond = second;
    lastSecondMs = secondOf(second);
  }
  const fraction = text.slice(secondChars);
  if (Number.isNaN(lastSecondMs) || !/^(?:\.\d{1,9})?$/.test(fraction)) return undefined;
  return lastSecondMs + Number(fraction.slice(1, 4).padEnd(3, '0'));
}

/** The time of a second, epoch ms; NaN if it does not exist. */
function secondOf(text: string): number {
  if (!/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/.test(text)) return Number.NaN;
  const time = Date.parse(`${text.replace(' ', 'T')}Z`);
  if (!(time >= 0)) return Number.NaN;
  // ECMAScript reads 30 February as 1 March, and 24:00:00 as the next day.
  return new Date(time).toISOString().startsWith(text.replace(' ', 'T')) ? time : Number.NaN;
}
