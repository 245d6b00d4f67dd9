/**
 * The page: what is looked at, where its windows come from, and when it is drawn.
 *
 *   server ─> feed (newest 10 ms windows) ─┐
 *        └──> history (everything else) ───┴─> one frame: chart, heat map; four times a second: text
 *
 * "Now" is the end of the newest final window, by the server's clock; the browser's own is never
 * asked, so a wrong one shows nothing wrong.
 */
import { BurstsPanel } from './bursts-panel.ts';
import { Chart } from './chart.ts';
import { Client, Refusal } from './client.ts';
import { connectControls } from './controls.ts';
import { element, write } from './elements.ts';
import { Feed, type FeedState } from './feed.ts';
import { HeatMap } from './heat-map.ts';
import { History } from './history.ts';
import { showNodes } from './nodes.ts';
import { alignDown, alignUp, type Period, periodFor, periods } from './period.ts';
import type { Series } from './series.ts';
import { summarize } from './summary.ts';
import {
  writeAll,
  writeHeatShown,
  writeInfo,
  writeNow,
  writeNowUnknown,
  writePointed,
  writeShown,
  writeSummary,
  writeTable,
} from './texts.ts';
import { applyTheme, palette, switchTheme, theme } from './theme.ts';
import * as views from './view.ts';
import { WhoseSwitch } from './whose-switch.ts';

/** Numbers that change more often cannot be read. */
const textEveryMs = 250;
const tableEveryMs = 1_000;
const infoEveryMs = 5_000;
const nodesEveryMs = 2_000;
const calmFrameMs = 1_000;
const calm = matchMedia('(prefers-reduced-motion: reduce)');

const client = new Client();
const feed = new Feed(client, { moved: askFrame, changed: feedChanged });
const history = new History(client, historyChanged);
const chart = new Chart(element('chart', HTMLElement), palette(), {
  selected: (range) => look(views.viewOf(range, now())),
  pointed: (time) => point(time, 'chart'),
});
const heatMap = new HeatMap(element('heat', HTMLCanvasElement), palette(), (time) =>
  point(time, 'heat'),
);

const bursts = new BurstsPanel(client, {
  look: (range) => {
    look(views.viewOf(range, now()));
    return view;
  },
  back: look,
});

const whose = new WhoseSwitch(client, {
  chosen: () => void askInfo().then(askNodes),
  changed: () => {
    bursts.forget();
    history.forget();
    feed.restart();
    rememberView();
  },
});

let view = views.fromHash(location.hash) ?? views.liveView(60_000);
let cursor: { readonly time: number; readonly on: 'chart' | 'heat' } | undefined;
let frameAsked = false;
let textDueAt = 0;
let tableDueAt = 0;
let framesDueAt = 0;

function now(): number {
  return feed.finalThrough ?? view.to ?? 0;
}

function look(next: views.View): void {
  view = next;
  textDueAt = 0;
  tableDueAt = 0;
  framesDueAt = 0;
  showView();
  askFrame();
}

function showView(): void {
  const isLive = view.to === undefined;
  element('live', HTMLButtonElement).ariaPressed = String(isLive);
  for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-span]'))
    button.ariaPressed = String(isLive && Number(button.dataset['span']) === view.spanMs);
  showState();
  rememberView();
}

let rememberTimer: number | undefined;
/** A moment later: browsers refuse more than a hundred changes of the address in ten seconds. */
function rememberView(): void {
  clearTimeout(rememberTimer);
  rememberTimer = window.setTimeout(
    () => window.history.replaceState(null, '', views.toHash(view, client.whose)),
    300,
  );
}

// --- drawing ---------------------------------------------------------------------------------------

function askFrame(): void {
  if (frameAsked) return;
  frameAsked = true;
  requestAnimationFrame(frame);
}

function frame(at: number): void {
  frameAsked = false;
  if (feed.finalThrough === undefined) return;
  if (calm.matches && at < framesDueAt) {
    setTimeout(askFrame, framesDueAt - at);
    return;
  }
  framesDueAt = at + calmFrameMs;
  const textDue = at >= textDueAt;
  if (textDue) textDueAt = at + textEveryMs;
  drawChart(at, textDue);
  drawHeat(textDue);
  if (!textDue) return;
  if (client.whose.scope === 'node') writeAll(feed.messagesInAll);
  if (feed.state === 'open' && feed.series !== undefined) writeNow(feed.series);
  else writeNowUnknown();
}

/** The windows that the view shows: whole ones, of which the last may only just be final. */
function shownRange(period: Period): views.Range {
  const { windowMs } = period;
  const range = views.rangeOf(view, now());
  const final = alignDown(now(), windowMs);
  const to = Math.min(alignUp(range.to, windowMs), final);
  return { from: Math.min(alignDown(to - view.spanMs, windowMs), to - windowMs), to };
}

function seriesOf(period: Period, range: views.Range): Series | undefined {
  if (period === periods.ms10 && feed.series?.covers(range) === true) return feed.series;
  return history.series(period.name, range);
}

function drawChart(at: number, textDue: boolean): void {
  const period = periodFor(view.spanMs);
  const range = shownRange(period);
  const series = seriesOf(period, range);
  document.body.classList.toggle('loading', series?.covers(range) !== true);
  if (series === undefined) return;
  const summary = summarize(series, range);
  chart.draw({ series, range, summary });
  if (cursor?.on === 'heat') chart.point(cursor.time);
  if (!textDue) return;
  writeShown(period, range);
  writeSummary(period, summary);
  writePointed(cursor?.on === 'heat' ? heatSeries : series, cursor?.time);
  showEmpty(series.covers(range) && summary.messages === 0, summary.windows);
  if (series.covers(range)) bursts.show(view, range, summary.windows > 0);
  if (at >= tableDueAt && element('table-details', HTMLDetailsElement).open) {
    tableDueAt = at + tableEveryMs;
    writeTable(series, range);
  }
}

let heatSeries: Series | undefined;

function drawHeat(textDue: boolean): void {
  const shown = shownRange(periodFor(view.spanMs));
  const range = views.heatRange(shown, now());
  const aligned = { from: alignDown(range.from, 10), to: alignDown(range.to, 10) };
  heatSeries = seriesOf(periods.ms10, aligned);
  if (heatSeries === undefined) return;
  heatMap.draw({
    series: heatSeries,
    range: aligned,
    view: shown,
    rescale: textDue,
    cursor: cursor?.time,
  });
  if (textDue) writeHeatShown(aligned, shown, heatMap.most);
}

function showEmpty(isEmpty: boolean, windows: number): void {
  const empty = element('empty', HTMLElement);
  empty.hidden = !isEmpty;
  if (!isEmpty) return;
  const text =
    feed.messagesInAll === 0
      ? 'No message yet. Every request that the ingest port answers 200 shows up here.'
      : windows === 0
        ? 'No server was counting in this range.'
        : 'Nothing came in this range.';
  if (empty.textContent !== text) {
    const words = document.createElement('span');
    words.textContent = text;
    empty.replaceChildren(words);
  }
}

function point(time: number | undefined, on: 'chart' | 'heat'): void {
  cursor = time === undefined ? undefined : { time, on };
  if (on === 'heat') chart.point(time);
  textDueAt = 0;
  askFrame();
}

// --- the server ------------------------------------------------------------------------------------

let lostSince: number | undefined;

function feedChanged(state: FeedState, reason: string): void {
  if (state === 'open') {
    lostSince = undefined;
    history.forget();
    void askInfo();
  } else if (state === 'lost') {
    lostSince ??= feed.finalThrough;
  } else if (state === 'refused') {
    // The address may name a cluster or a node that this server does not have.
    void askInfo().then(askNodes);
  } else if (state === 'locked') {
    askToken(reason);
  }
  showState();
  showTrouble(state, reason);
  textDueAt = 0;
  askFrame();
}

function historyChanged(error?: unknown): void {
  // What the connection of the feed tells as well is told there.
  if (error instanceof Refusal && error.status !== 401) showTrouble('open', error.message);
  textDueAt = 0;
  askFrame();
}

function showState(): void {
  const words = {
    ...{ connecting: 'Connecting', open: 'Live', lost: 'Server gone' },
    ...{ refused: 'Nothing to show', locked: 'Locked' },
  };
  const held = feed.state === 'open' && view.to !== undefined;
  const state = element('state', HTMLElement);
  state.dataset['state'] = held ? 'held' : feed.state === 'open' ? 'live' : feed.state;
  write('state', held ? 'Held' : words[feed.state]);
  document.body.classList.toggle('stale', feed.state === 'lost');
}

function showTrouble(state: FeedState, reason: string): void {
  const trouble = element('trouble', HTMLElement);
  trouble.hidden = reason === '' || state === 'locked';
  const since =
    lostSince === undefined
      ? ''
      : ` What you see ends at ${new Date(lostSince).toISOString().slice(11, 19)} UTC.`;
  write(
    'trouble',
    state === 'lost' ? `The server does not answer.${since} Trying again until it does.` : reason,
  );
}

async function askInfo(): Promise<void> {
  try {
    const info = await client.info();
    const hasCluster = whose.offer(info);
    if (hasCluster && element('nodes', HTMLElement).hidden) void askNodes();
    writeInfo(info, client.whose);
  } catch {
    // The feed notices as well, and says so.
  }
}

async function askNodes(): Promise<void> {
  try {
    const nodes = await showNodes(client, (node) => whose.choose({ scope: 'cluster', node }));
    whose.offerNodes(nodes.map(({ name }) => name));
  } catch {
    // As above.
  }
}

// --- dialogs, theme, file --------------------------------------------------------------------------

function askToken(reason: string): void {
  const error = element('token-error', HTMLElement);
  error.hidden = client.token === undefined;
  error.textContent = `This token was refused: ${reason}.`;
  const dialog = element('token-dialog', HTMLDialogElement);
  if (!dialog.open) dialog.showModal();
}

function connectDialogs(): void {
  const help = element('help-dialog', HTMLDialogElement);
  element('help', HTMLButtonElement).addEventListener('click', () => help.showModal());
  const dialog = element('token-dialog', HTMLDialogElement);
  // Without a token there is nothing to see behind it.
  dialog.addEventListener('cancel', (event) => event.preventDefault());
  element('token-form', HTMLFormElement).addEventListener('submit', () => {
    const input = element('token', HTMLInputElement);
    client.token = input.value.trim();
    input.value = '';
    element('forget', HTMLButtonElement).hidden = false;
    feed.retry();
  });
  const forget = element('forget', HTMLButtonElement);
  forget.hidden = client.token === undefined;
  forget.addEventListener('click', () => {
    client.token = undefined;
    location.reload();
  });
}

function connectTheme(): void {
  const button = element('theme', HTMLButtonElement);
  const changed = (): void => {
    button.textContent = theme() === 'dark' ? 'Light' : 'Dark';
    button.ariaLabel = `Switch to ${theme() === 'dark' ? 'light' : 'dark'} colours`;
    const colours = palette();
    chart.palette = colours;
    heatMap.palette = colours;
  };
  applyTheme(changed);
  button.addEventListener('click', () => {
    switchTheme();
    changed();
  });
}

/** Fetched and not linked to: an address cannot carry the token. */
async function saveCsv(): Promise<void> {
  const period = periodFor(view.spanMs);
  const range = shownRange(period);
  try {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(await client.csv(period.name, range));
    link.download = `reto3-${period.name}-${range.from}-${range.to}.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
  } catch (error) {
    showTrouble('open', `cannot save: ${error instanceof Error ? error.message : String(error)}`);
  }
}

connectControls(chart, {
  pan: (share) => look(views.pan(view, share * view.spanMs, now())),
  zoom: (factor, at) => look(views.zoom(view, factor, now(), at)),
  span: (spanMs) => look(views.liveView(spanMs)),
  toggleLive: () =>
    look(view.to === undefined ? views.pause(view, now()) : views.liveView(view.spanMs)),
  step: (windows) => {
    const { windowMs } = periodFor(view.spanMs);
    const range = shownRange(periodFor(view.spanMs));
    // Reading takes longer than a window lasts.
    look(views.pause(view, now()));
    const from = cursor?.time ?? range.to;
    const time = alignDown(from, windowMs) + windows * windowMs;
    cursor = { time: Math.min(Math.max(time, range.from), range.to - windowMs), on: 'heat' };
    chart.point(cursor.time);
  },
});
connectDialogs();
connectTheme();
element('csv', HTMLButtonElement).addEventListener('click', () => void saveCsv());
element('table-details', HTMLDetailsElement).addEventListener('toggle', () => {
  tableDueAt = 0;
  textDueAt = 0;
  askFrame();
});
addEventListener('hashchange', () => {
  look(views.fromHash(location.hash) ?? view);
  whose.read(location.hash);
  void askInfo().then(askNodes);
});
setInterval(() => {
  if (feed.state === 'open' && !document.hidden) void askInfo();
}, infoEveryMs);
setInterval(() => {
  const isShown = !element('nodes', HTMLElement).hidden;
  if (isShown && feed.state !== 'lost' && !document.hidden) void askNodes();
}, nodesEveryMs);
whose.read(location.hash);
showView();
void document.fonts.ready.then(askFrame);
// First whose counts there are to show: a server that only adds up a cluster has none of its own.
void askInfo().then(() => feed.run());
