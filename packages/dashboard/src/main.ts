/**
 * The page: what is looked at, where its windows come from, and when it is drawn.
 *
 *   server ─> feed (newest 10 ms windows) ─┐
 *        └──> history (everything else) ───┴─> one frame: chart, heat map; four times a second: text
 *
 * "Now" is the end of the newest final window, by the server's clock; the browser's own is never
 * asked, so a wrong one shows nothing wrong.
 */
import type { Info } from '@reto3/client/answers';
import { Address } from './address.ts';
import { BurstsPanel, noMarks } from './bursts-panel.ts';
import { Chart } from './chart.ts';
import type { Marks } from './chart-marks.ts';
import { Client, Refusal } from './client.ts';
import { connectControls } from './controls.ts';
import { CountingStart } from './counting-start.ts';
import { askToken, connectHelp, connectRange, connectToken } from './dialogs.ts';
import { element } from './elements.ts';
import { connectCopy, showEmpty } from './empty.ts';
import { Feed, type FeedState } from './feed.ts';
import { foldFor } from './fold.ts';
import { HeatMap } from './heat-map.ts';
import { History } from './history.ts';
import { showNodes } from './nodes.ts';
import { type Period, periodFor, periods } from './period.ts';
import { Pointing } from './pointing.ts';
import type { Series } from './series.ts';
import { showState, showTrouble } from './status.ts';
import { summarize } from './summary.ts';
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
} from './texts.ts';
import { connectTheme, palette } from './theme.ts';
import * as views from './view.ts';
import { WhoseSwitch } from './whose-switch.ts';
import { connectZone } from './zone-switch.ts';

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
const countingStart = new CountingStart(client);
const chart = new Chart(element('chart', HTMLElement), palette(), {
  selected: (range) => look(views.viewOf(range, now())),
  moved: () => pointing.moved('chart'),
});
const heatMap = new HeatMap(element('heat', HTMLCanvasElement), palette(), {
  moved: () => pointing.moved('heat'),
  clicked: (window) => pointing.clicked(window),
});
const pointing = new Pointing(chart, heatMap, {
  changed: () => {
    textDueAt = 0;
    askFrame();
  },
  // Reading takes longer than a window lasts.
  began: () => look(views.pause(seen(), now())),
  chosen: (range) => look(views.viewOf(range, now())),
});
const bursts = new BurstsPanel(client, {
  look: (range) => {
    look(views.viewOf(range, now()));
    return view;
  },
  back: look,
  found: (found) => {
    marks = found;
    askFrame();
  },
});
const whose = new WhoseSwitch(client, {
  chosen: () => void askInfo().then(askNodes),
  changed: () => {
    bursts.forget();
    history.forget();
    countingStart.forget();
    feed.restart();
    rememberView();
  },
});

const address = new Address(window, (hash) => {
  look(views.fromHash(hash) ?? view);
  whose.read(hash);
  void askInfo().then(askNodes);
});

let view = views.fromHash(address.hash) ?? views.liveView(60_000);
let marks: Marks = noMarks;
let info: Info | undefined;
let frameAsked = false;
let textDueAt = 0;
let tableDueAt = 0;
let framesDueAt = 0;

function now(): number {
  return feed.finalThrough ?? view.to ?? 0;
}

/** The view as it is drawn: of a young server, what there is. */
function seen(): views.View {
  return views.fitted(view, now(), countingStart.at(view.spanMs, feed.series));
}

function look(next: views.View): void {
  view = next;
  redraw();
  showView();
}

/** All of it anew, and at once. */
function redraw(): void {
  textDueAt = 0;
  tableDueAt = 0;
  framesDueAt = 0;
  askFrame();
}

function showView(): void {
  const isLive = view.to === undefined;
  element('live', HTMLButtonElement).ariaPressed = String(isLive);
  for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-span]'))
    button.ariaPressed = String(isLive && Number(button.dataset['span']) === view.spanMs);
  showState(feed.state, !isLive);
  rememberView();
}

function rememberView(): void {
  address.write(views.toHash(view, client.whose));
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

function shownRange(period: Period): views.Range {
  return views.windowsOf(seen(), now(), period.windowMs);
}

function seriesOf(period: Period, range: views.Range): Series | undefined {
  if (period === periods.ms10 && feed.series?.covers(range) === true) return feed.series;
  return history.series(period.name, range);
}

function drawChart(at: number, textDue: boolean): void {
  const period = periodFor(seen().spanMs);
  const range = shownRange(period);
  const series = seriesOf(period, range);
  document.body.classList.toggle('loading', series?.covers(range) !== true);
  if (series === undefined) return;
  const summary = summarize(series, range);
  chart.draw({ series, range, summary, marks });
  if (textDue) pointing.showIn('chart', series);
  if (!textDue) return;
  writeShown(period, range);
  writeSummary(period, summary);
  writeKey(chart.band, period);
  const isEmpty = series.covers(range) && summary.messages === 0;
  showEmpty({ isEmpty, windows: summary.windows, messagesInAll: feed.messagesInAll }, info);
  if (series.covers(range)) bursts.show(view, range, summary.windows > 0);
  if (at >= tableDueAt && element('table-details', HTMLDetailsElement).open) {
    tableDueAt = at + tableEveryMs;
    writeTable(series, range);
  }
}

function drawHeat(textDue: boolean): void {
  const { spanMs } = seen();
  const fold = foldFor(spanMs);
  const range = shownRange(periodFor(spanMs));
  const series = seriesOf(fold.period, range);
  if (series === undefined) return;
  const { time: cursor, anchor } = pointing;
  heatMap.draw({ series, range, fold, rescale: textDue, cursor, anchor });
  if (!textDue) return;
  pointing.showIn('heat', series);
  writeHeatShown(fold, heatMap.most);
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
    askToken(client, reason);
  }
  showState(state, view.to !== undefined);
  showTrouble(state, reason, lostSince);
  textDueAt = 0;
  askFrame();
}

let historyProblem = '';

function historyChanged(problem: unknown): void {
  // The feed meets lost connections and missing tokens too, and says so.
  const isOwn = problem instanceof Refusal && problem.status !== 401;
  const text = isOwn ? problem.message : '';
  if (text !== historyProblem && feed.state === 'open') showTrouble('open', text);
  historyProblem = text;
  textDueAt = 0;
  askFrame();
}

async function askInfo(): Promise<void> {
  try {
    info = await client.info();
    countingStart.learn(info);
    const hasCluster = whose.offer(info);
    if (hasCluster && element('nodes', HTMLElement).hidden) void askNodes();
    writeInfo(info, client.whose);
  } catch {
    // The feed notices as well, and says so.
  }
}

async function askNodes(): Promise<void> {
  if (info?.scopes.includes('cluster') !== true) return;
  try {
    const nodes = await showNodes(client, (node) => whose.choose({ scope: 'cluster', node }));
    whose.offerNodes(nodes.map(({ name }) => name));
  } catch {
    // As above.
  }
}

/** Fetched and not linked to: an address cannot carry the token. */
async function saveCsv(): Promise<void> {
  const period = periodFor(seen().spanMs);
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

// --- what people do --------------------------------------------------------------------------------

connectControls(chart, {
  pan: (share) => look(views.pan(seen(), share * seen().spanMs, now())),
  zoom: (factor, at) => look(views.zoom(seen(), factor, now(), at)),
  span: (spanMs) => look(views.liveView(spanMs)),
  toggleLive: () =>
    look(view.to === undefined ? views.pause(seen(), now()) : views.liveView(view.spanMs)),
  step: (windows) => {
    const period = periodFor(seen().spanMs);
    const range = shownRange(period);
    look(views.pause(seen(), now()));
    pointing.step(windows * period.windowMs, range, period.windowMs);
  },
});
connectToken(client, () => feed.retry());
connectHelp();
connectRange(
  () => (feed.finalThrough === undefined ? undefined : shownRange(periodFor(seen().spanMs))),
  (range) => look(views.viewOf(range, now())),
);
connectCopy();
connectZone(redraw);
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
whose.read(address.hash);
showView();
void document.fonts.ready.then(askFrame);
// First whose counts there are to show: a server that only adds up a cluster has none of its own.
void askInfo().then(() => feed.run());
