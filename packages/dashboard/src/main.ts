/**
 * The page: what it shows, where its windows come from, and when it draws.
 *
 *   server ─> feed (newest 10 ms windows) ─┐
 *        └──> history (everything else) ───┴─> one frame: chart, heat map; four times a second: text
 *
 * "Now" is the end of the newest final window, by the server's clock. The browser's clock only
 * measures how long the page slept, so a wrong one does no harm.
 */
import type { Info } from '@reto3/client/answers';
import { Address } from './address.ts';
import { BurstsPanel, noMarks } from './bursts-panel.ts';
import { Chart } from './chart.ts';
import type { Marks } from './chart-marks.ts';
import { ApiError, Client } from './client.ts';
import { connectControls } from './controls.ts';
import { CountingStart } from './counting-start.ts';
import { Crosshair } from './crosshair.ts';
import { askToken, connectHelp, connectRange, connectToken } from './dialogs.ts';
import { element, setPressed } from './elements.ts';
import { connectCopy, showEmpty } from './empty.ts';
import { Feed, type FeedState } from './feed.ts';
import { foldFor } from './fold.ts';
import { HeatMap } from './heat-map.ts';
import { History } from './history.ts';
import { KeysPanel } from './keys-panel.ts';
import { showNodes } from './nodes.ts';
import { alignUp, type Period, periodFor, periods } from './period.ts';
import {
  writeAll,
  writeHeatShown,
  writeInfo,
  writeKey,
  writeNow,
  writeNowUnknown,
  writeShown,
  writeSummary,
  writeTable,
  writeViewed,
} from './readouts.ts';
import { ScopeSwitch } from './scope-switch.ts';
import type { Series } from './series.ts';
import { showState, showTrouble } from './status.ts';
import { summarize } from './summary.ts';
import { connectTheme, palette } from './theme.ts';
import * as views from './view.ts';
import { connectZone } from './zone-switch.ts';

/** Numbers that change faster are unreadable. */
const textEveryMs = 250;
const tableEveryMs = 1_000;
const infoEveryMs = 5_000;
const nodesEveryMs = 2_000;
const reducedFrameMs = 1_000;
/** How long the figures wait for missing windows, before they describe the loaded part. */
const patienceMs = 1_000;
const revokeAfterMs = 60_000;
const reducedMotion = matchMedia('(prefers-reduced-motion: reduce)');

const client = new Client();
const feed = new Feed(client, { moved: requestFrame, changed: feedChanged });
const history = new History(client, historyChanged);
const countingStart = new CountingStart(client);
const chart = new Chart(element('chart', HTMLElement), palette(), {
  selected: (range) => show(views.viewOf(range, now())),
  moved: () => crosshair.moved('chart'),
});
const heatMap = new HeatMap(element('heat', HTMLCanvasElement), palette(), {
  moved: () => crosshair.moved('heat'),
  clicked: (window) => crosshair.clicked(window),
});
const crosshair = new Crosshair(chart, heatMap, {
  changed: () => {
    textDueAt = 0;
    requestFrame();
  },
  // Pauses, because a live chart would move away under the cursor.
  began: () => show(views.pause(shownView(), now())),
  chosen: (range) => show(views.viewOf(range, now())),
});
const bursts = new BurstsPanel(client, {
  show: (range) => {
    show(views.viewOf(range, now()));
    return view;
  },
  back: show,
  found: (found) => {
    marks = found;
    requestFrame();
  },
});
const keys = new KeysPanel(client);
const scopeSwitch = new ScopeSwitch(client, {
  chosen: () => void askInfo().then(askNodes),
  changed: () => {
    bursts.forget();
    keys.forget();
    history.forget();
    countingStart.forget();
    feed.restart();
    writeAddress();
  },
});

const address = new Address(window, (hash) => {
  show(views.fromHash(hash) ?? view);
  scopeSwitch.read(hash);
  void askInfo().then(askNodes);
});

let view = views.fromHash(address.hash) ?? views.liveView(60_000);
let marks: Marks = noMarks;
let info: Info | undefined;
let frameRequested = false;
let textDueAt = 0;
let tableDueAt = 0;
let framesDueAt = 0;
/** Since when windows in the range of the chart are not loaded. */
let missingSince: number | undefined;

/**
 * The end of the newest window of a length, epoch ms. Of a log, that is its end; the present may be
 * years later, or hours earlier if the log was read in a wrong time zone.
 */
function now(windowMs: number = periods.ms10.windowMs): number {
  if (info?.viewed !== undefined) return alignUp(info.viewed.to, windowMs);
  return feed.finalThrough ?? view.to ?? 0;
}

/** The view as drawn: shortened if the server has not been counting for that long. */
function shownView(): views.View {
  return views.fitted(view, now(), countingStart.at(view.spanMs, feed.series));
}

/** The resolution of the clock that counted; a server has 10 ms. */
function resolutionMs(): number {
  return info?.viewed?.resolutionMs ?? periods.ms10.windowMs;
}

function show(next: views.View): void {
  view = next;
  redraw();
  showView();
}

/** Schedules a redraw of everything for the next frame. */
function redraw(): void {
  textDueAt = 0;
  tableDueAt = 0;
  framesDueAt = 0;
  requestFrame();
}

function showView(): void {
  const isLive = view.to === undefined;
  setPressed(element('live', HTMLButtonElement), isLive);
  for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-span]'))
    setPressed(button, isLive && Number(button.dataset['span']) === view.spanMs);
  writeState();
  writeAddress();
}

function writeState(): void {
  showState(feed.state, view.to !== undefined, info?.viewed !== undefined);
}

function writeAddress(): void {
  address.write(views.toHash(view, client.selector));
}

// --- drawing ---------------------------------------------------------------------------------------

function requestFrame(): void {
  if (frameRequested) return;
  frameRequested = true;
  requestAnimationFrame(frame);
}

function frame(at: number): void {
  frameRequested = false;
  if (feed.finalThrough === undefined) return;
  if (reducedMotion.matches && at < framesDueAt) {
    setTimeout(requestFrame, framesDueAt - at);
    return;
  }
  framesDueAt = at + reducedFrameMs;
  const textDue = at >= textDueAt;
  if (textDue) textDueAt = at + textEveryMs;
  drawChart(at, textDue);
  drawHeat(textDue);
  if (!textDue) return;
  if (client.selector.scope === 'node') writeAll(feed.messagesInAll);
  if (feed.state === 'open' && feed.series !== undefined) writeNow(feed.series);
  else writeNowUnknown();
}

function shownRange(period: Period): views.Range {
  return views.windowsOf(shownView(), now(period.windowMs), period.windowMs);
}

function seriesOf(period: Period, range: views.Range): Series | undefined {
  if (period === periods.ms10 && feed.series?.covers(range) === true) return feed.series;
  return history.series(period.name, range);
}

function drawChart(at: number, textDue: boolean): void {
  const period = periodFor(shownView().spanMs, resolutionMs());
  const range = shownRange(period);
  const series = seriesOf(period, range);
  const isLoaded = series?.covers(range) === true;
  document.body.classList.toggle('loading', !isLoaded);
  if (series === undefined) return;
  missingSince = isLoaded ? undefined : (missingSince ?? at);
  // The figures name the range that they describe, so a sum is never one of missing windows.
  const part = series.coveredPart(range) ?? { from: range.from, to: range.from };
  const summary = summarize(series, part);
  chart.draw({ series, range, summary, marks });
  if (textDue) crosshair.showIn('chart', series);
  if (!textDue) return;
  const isEmpty = isLoaded && summary.messages === 0;
  showEmpty({ isEmpty, windows: summary.windows, messagesInAll: feed.messagesInAll }, info);
  keys.show(range);
  if (isLoaded) bursts.show(view, range, summary.windows > 0);
  const isPatient = missingSince !== undefined && at - missingSince < patienceMs;
  if (isPatient || part.from === part.to) return;
  writeShown(period, part);
  writeSummary(period, summary);
  writeKey(chart.band, period);
  if (at >= tableDueAt && element('table-details', HTMLDetailsElement).open) {
    tableDueAt = at + tableEveryMs;
    writeTable(series, part);
  }
}

function drawHeat(textDue: boolean): void {
  const { spanMs } = shownView();
  const fold = foldFor(spanMs, resolutionMs());
  const range = shownRange(periodFor(spanMs, resolutionMs()));
  const series = seriesOf(fold.period, range);
  if (series === undefined) return;
  const { time: cursor, anchor } = crosshair;
  const { beats } = marks;
  heatMap.draw({ series, range, fold, rescale: textDue, cursor, anchor, beats });
  if (!textDue) return;
  crosshair.showIn('heat', series);
  writeHeatShown(fold, heatMap.scaleMax);
}

// --- the server ------------------------------------------------------------------------------------

let lostSince: number | undefined;

function feedChanged(state: FeedState, reason: string): void {
  if (state === 'open') {
    lostSince = undefined;
    history.forget();
    void askInfo();
  } else if (state === 'lost') {
    if (info?.viewed === undefined) lostSince ??= feed.finalThrough;
  } else if (state === 'refused') {
    // The address may name a cluster or a node that this server does not have.
    void askInfo().then(askNodes);
  } else if (state === 'unauthorized') {
    askToken(client, reason);
  }
  writeState();
  showTrouble(state, reason, lostSince);
  textDueAt = 0;
  requestFrame();
}

let historyProblem = '';

function historyChanged(problem: unknown): void {
  // The feed reports lost connections and missing tokens.
  const isOwn = problem instanceof ApiError && problem.status !== 401;
  const text = isOwn ? problem.message : '';
  if (text !== historyProblem && feed.state === 'open') showTrouble('open', text);
  historyProblem = text;
  textDueAt = 0;
  requestFrame();
}

async function askInfo(): Promise<void> {
  try {
    const isFirst = info === undefined;
    info = await client.info();
    const { viewed } = info;
    if (viewed !== undefined) writeViewed(viewed);
    if (isFirst && viewed !== undefined) {
      // Nobody adds to these counts, so the page shows all of them and does not move.
      client.open = true;
      const all = address.hash === '' && views.fromHash(`#from=${viewed.from}&to=${viewed.to}`);
      show(all || view);
    }
    countingStart.learn(info);
    const hasCluster = scopeSwitch.offer(info);
    if (hasCluster && element('nodes', HTMLElement).hidden) void askNodes();
    writeInfo(info, client.selector);
  } catch (error) {
    // The feed reports it. An open connection does not notice that the token was replaced.
    if (error instanceof ApiError && error.status === 401 && feed.state === 'open')
      feed.reconnect();
  }
}

async function askNodes(): Promise<void> {
  if (info?.scopes.includes('cluster') !== true) return;
  try {
    const nodes = await showNodes(client, (node) => scopeSwitch.choose({ scope: 'cluster', node }));
    scopeSwitch.offerNodes(nodes.map(({ name }) => name));
  } catch {
    // The feed reports it.
  }
}

/** Fetches the file, because a link cannot carry the token. */
async function saveCsv(): Promise<void> {
  const period = periodFor(shownView().spanMs, resolutionMs());
  const range = shownRange(period);
  try {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(await client.csv(period.name, range));
    link.download = `reto3-${period.name}-${range.from}-${range.to}.csv`;
    link.click();
    // Safari reads the file later.
    setTimeout(() => URL.revokeObjectURL(link.href), revokeAfterMs);
    // An earlier attempt may have failed.
    if (feed.state === 'open') showTrouble('open', historyProblem);
  } catch (error) {
    showTrouble('open', `cannot save: ${error instanceof Error ? error.message : String(error)}`);
  }
}

// --- controls -----------------------------------------------------------------------------------

connectControls(chart, {
  pan: (share) => show(views.pan(shownView(), share * shownView().spanMs, now())),
  zoom: (factor, at) => show(views.zoom(shownView(), factor, now(), at)),
  span: (spanMs) => show(views.liveView(spanMs)),
  toggleLive: () =>
    show(view.to === undefined ? views.pause(shownView(), now()) : views.liveView(view.spanMs)),
  step: (windows) => {
    const period = periodFor(shownView().spanMs, resolutionMs());
    const range = shownRange(period);
    show(views.pause(shownView(), now()));
    crosshair.step(windows * period.windowMs, range, period.windowMs);
  },
});
connectToken(client, () => feed.reconnect());
connectHelp();
connectRange(
  () =>
    feed.finalThrough === undefined
      ? undefined
      : shownRange(periodFor(shownView().spanMs, resolutionMs())),
  (range) => show(views.viewOf(range, now())),
);
connectCopy();
connectZone(() => {
  bursts.rewrite();
  redraw();
});
connectTheme((colours) => {
  chart.palette = colours;
  heatMap.palette = colours;
});
element('csv', HTMLButtonElement).addEventListener('click', () => void saveCsv());
element('table-details', HTMLDetailsElement).addEventListener('toggle', redraw);
setInterval(() => {
  if (feed.state === 'open' && !document.hidden) void askInfo();
}, infoEveryMs);
setInterval(() => {
  const isShown = !element('nodes', HTMLElement).hidden;
  if (isShown && feed.state !== 'lost' && !document.hidden) void askNodes();
}, nodesEveryMs);
scopeSwitch.read(address.hash);
showView();
void document.fonts.ready.then(requestFrame);
// Asks for the scopes first: a server that only merges has no counts of its own.
void askInfo().then(() => feed.run());
