import { expect, it, vi } from 'vitest';
import { createLog, prettyLine } from './log.ts';
import { type LogTarget, maxWaitingBytes } from './log-output.ts';

const command = '\u001b]52;c;aGk=\u0007\u009b2J\u202e';
const shown = String.raw`\x1b]52;c;aGk=\x07\x9b2J\u202e`;

it('escapes control characters of clients on a terminal', async () => {
  const line = JSON.stringify({
    level: 50,
    time: 0,
    msg: `${command}\nERROR: forged`,
    url: command,
    err: { type: 'Error', message: command, stack: `Error: ${command}\n    at ${command}` },
  });
  const text = (await prettyLine())(line);
  expect(text).toContain(`${shown}\\nERROR: forged\n`);
  expect(text).toContain(`Error: ${shown}\n`);
  for (const obeyed of ['\u001b', '\u0007', '\u009b', '\u202e']) expect(text).not.toContain(obeyed);
});

it('counts the lines that a full disk costs, and says so once the log works again', async () => {
  let [isFull, text] = [true, ''];
  const target: LogTarget = {
    write: (bytes, done) =>
      void setImmediate(() => {
        if (isFull) return done(new Error('ENOSPC'), 0);
        text += bytes.toString();
        done(null, bytes.length);
      }),
    writeSync: (bytes) => bytes.length,
  };
  const { log, metrics } = await createLog('info', target);
  const dropped = async () => {
    const [metric] = await metrics();
    expect(metric?.name).toBe('reto3_log_dropped_lines_total');
    return metric?.samples[0]?.value ?? Number.NaN;
  };
  log.info('before');
  expect(await dropped()).toBe(0);
  const line = 'x'.repeat(1_024);
  const lines = maxWaitingBytes / line.length + 100;
  for (let count = 0; count < lines; count++) log.info(line);
  const lost = await dropped();
  expect(lost).toBeGreaterThanOrEqual(100);
  isFull = false;
  const says = `the log works again; ${lost} lines were dropped meanwhile`;
  await vi.waitUntil(() => text.includes(says));
  expect(text.split(line)).toHaveLength(lines - lost + 1);
  expect(await dropped()).toBe(lost);
});
