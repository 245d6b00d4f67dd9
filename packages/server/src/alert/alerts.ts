/**
 * Evaluates alert rules on windows as they become final, and notifies a webhook when an alert fires
 * and when it resolves. docs/alerts.md has the grammar of the rules and the messages.
 *
 * Listens to the live feeds of this server and of its cluster; the workers are not involved.
 */
import { setTimeout } from 'node:timers/promises';
import {
  counter,
  gauge,
  type Log,
  type MetricSource,
  type Period,
  type PeriodName,
  periodNames,
  periods,
  type Scope,
  scopes,
} from '@reto3/core';
import type { Listener, LiveEvent, LiveFeed } from '@reto3/engine';
import {
  Delivery,
  type DeliveryTimes,
  deliveryTimes,
  maxAttempts,
  type Receiver,
} from './delivery.ts';
import type { Rule } from './rule.ts';
import { type Change, Watch } from './watch.ts';

type Feed = Pick<LiveFeed, 'join' | 'leave'>;

interface AlertsOptions {
  readonly rules: readonly Rule[];
  readonly receiver: Receiver;
  readonly feedOf: (scope: Scope) => Feed;
  /** The scope of rules that name none. */
  readonly defaultScope: Scope;
  readonly node: string;
  /** The start of the server, epoch ms; makes the ids of episodes unique. */
  readonly startedAt: number;
  readonly log: Log;
  readonly times?: DeliveryTimes;
}

/** The body of a webhook message, without the number of the attempt. Times are epoch ms. */
interface AlertMessage {
  readonly version: 1;
  /** The id of the episode: the same when the alert fires and when it resolves. */
  readonly id: string;
  readonly status: Change['status'];
  readonly alert: string;
  /** The scope of the counts: this node, or the cluster whose nodes it adds up. */
  readonly scope: Scope;
  readonly node: string;
  readonly period: PeriodName;
  readonly windowMs: number;
  readonly from: number;
  readonly to: number;
  readonly windows: number;
  readonly messages: number;
  readonly worst: { readonly start: number; readonly count: number };
}

/** The pause before rejoining a feed that was interrupted, by a clock step or a long stall. */
const rejoinMs = 100;
/** The longest delay of an evaluation. Ten evaluations a second cost next to nothing. */
const evaluateEveryMs = 100;

export class Alerts {
  readonly #options: AlertsOptions;
  readonly #watches: readonly Watch[];
  readonly #delivery: Delivery;
  /** Logged in place of the URL, whose path may be a secret. */
  readonly #origin: string;
  readonly #ids = new Map<Watch, string>();
  readonly #joined: { readonly feed: Feed; readonly listener: Listener }[] = [];
  #episodes = 0;
  #stopped = false;

  private constructor(options: AlertsOptions) {
    const { rules, receiver, log, times = deliveryTimes } = options;
    this.#options = options;
    this.#watches = rules.map((rule) => new Watch(rule));
    this.#origin = new URL(receiver.url).origin;
    this.#delivery = new Delivery(
      receiver,
      {
        failed: (reason, attempt, last) => {
          const outcome = last ? `gave up after ${maxAttempts} attempts` : 'retrying';
          const text = `cannot deliver an alert to ${this.#origin}: ${reason}; ${outcome}`;
          if (last) log.error({ attempt }, text);
          else log.warn({ attempt }, text);
        },
        dropped: () =>
          log.error(`cannot queue another alert for ${this.#origin}: dropped the oldest one`),
      },
      times,
    );
  }

  /** Starts to evaluate rules. */
  static begin(options: AlertsOptions): Alerts {
    const alerts = new Alerts(options);
    for (const scope of scopes)
      for (const name of periodNames) alerts.#listen(scope, periods[name]);
    options.log.info(
      { alerts: options.rules.map(({ text }) => text) },
      `evaluating alerts for ${alerts.#origin}`,
    );
    return alerts;
  }

  readonly metrics: MetricSource = () => {
    const { delivered, lost, waiting } = this.#delivery.totals;
    return [
      gauge(
        'reto3_alert_firing',
        '1 while the alert fires, else 0.',
        this.#watches.map(({ rule, firing }) => ({
          labels: { alert: rule.text },
          value: firing ? 1 : 0,
        })),
      ),
      counter('reto3_alert_messages_total', 'Webhook messages of the alerts, by outcome.', [
        { labels: { outcome: 'delivered' }, value: delivered },
        { labels: { outcome: 'lost' }, value: lost },
      ]),
      gauge('reto3_alert_messages_waiting', 'Webhook messages not yet delivered.', waiting),
    ];
  };

  /** Stops evaluating, and waits briefly for messages to be delivered. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { feed, listener } of this.#joined) feed.leave(listener);
    await this.#delivery.stop();
  }

  #listen(scope: Scope, period: Period): void {
    const watches = this.#watches.filter(
      ({ rule }) => rule.period === period && this.#scopeOf(rule) === scope,
    );
    if (watches.length === 0) return;
    const feed = this.#options.feedOf(scope);
    const listener = {
      send: (event: LiveEvent) => this.#take(watches, event),
      drop: () => {
        for (const watch of watches) watch.interrupt();
        void this.#rejoin(feed, period, listener);
      },
    };
    this.#joined.push({ feed, listener });
    join(feed, period, listener);
  }

  /** Joins a feed again, as soon as its counts can be read. Never rejects. */
  async #rejoin(feed: Feed, period: Period, listener: Listener): Promise<void> {
    await setTimeout(rejoinMs, undefined, { ref: false });
    if (this.#stopped) return;
    try {
      join(feed, period, listener);
    } catch {
      // A merger may have to read its store, which may be failing; the feed logs any other error.
      void this.#rejoin(feed, period, listener);
    }
  }

  #scopeOf({ scope }: Rule): Scope {
    return scope ?? this.#options.defaultScope;
  }

  #take(watches: readonly Watch[], { chunks, period }: LiveEvent): void {
    for (const { start, windows } of chunks) {
      for (let index = 0; index < windows.counts.length; index++) {
        const count = windows.counted[index] === 1 ? windows.counts[index] : undefined;
        for (const watch of watches) {
          const partial = windows.partial[index] === 1;
          const change = watch.take(start + index * period.windowMs, count, partial);
          if (change !== undefined) this.#notify(watch, change);
        }
      }
    }
  }

  #notify(watch: Watch, { status, episode }: Change): void {
    const { node, startedAt, log } = this.#options;
    const { text, period } = watch.rule;
    if (status === 'firing') this.#ids.set(watch, `${node}-${startedAt}-${++this.#episodes}`);
    const message: AlertMessage = {
      version: 1,
      id: this.#ids.get(watch) ?? '',
      status,
      alert: text,
      scope: this.#scopeOf(watch.rule),
      node,
      period: period.name,
      windowMs: period.windowMs,
      ...episode,
    };
    const level = status === 'firing' ? 'warn' : 'info';
    log[level]({ ...episode }, `alert ${status}: ${text}`);
    this.#delivery.send(message);
  }
}

function join(feed: Feed, period: Period, listener: Listener): void {
  feed.join(period, listener, undefined, evaluateEveryMs);
}
