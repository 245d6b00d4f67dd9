/**
 * Evaluates alert rules on windows as they become final, and notifies a webhook when an alert fires and
 * when it resolves. docs/alerts.md has the grammar of the rules and the messages.
 *
 * It is a listener of the live feed; the workers are not involved.
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

interface AlertsOptions {
  readonly rules: readonly Rule[];
  readonly receiver: Receiver;
  readonly feed: Pick<LiveFeed, 'join' | 'leave'>;
  readonly node: string;
  /** When the server started, epoch ms; makes the ids of episodes unique. */
  readonly startedAt: number;
  readonly log: Log;
  readonly times?: DeliveryTimes;
}

/** The body of a webhook message, without the number of the attempt. Times are epoch ms. */
interface AlertMessage {
  readonly version: 1;
  /** The id of the episode: the same when it fires and when it resolves. */
  readonly id: string;
  readonly status: Change['status'];
  readonly alert: string;
  readonly node: string;
  readonly period: PeriodName;
  readonly windowMs: number;
  readonly from: number;
  readonly to: number;
  readonly windows: number;
  readonly messages: number;
  readonly worst: { readonly start: number; readonly count: number };
}

/** The pause before rejoining a feed that was interrupted (by a clock step or a long stall). */
const rejoinMs = 100;
/** The largest delay that evaluation adds. Ten times a second costs next to nothing. */
const evaluateEveryMs = 100;

export class Alerts {
  readonly #options: AlertsOptions;
  readonly #watches: readonly Watch[];
  readonly #delivery: Delivery;
  /** For the log: the path of the URL may be a secret. */
  readonly #origin: string;
  readonly #ids = new Map<Watch, string>();
  readonly #joined: Listener[] = [];
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

  /** Starts to evaluate. */
  static begin(options: AlertsOptions): Alerts {
    const alerts = new Alerts(options);
    for (const name of periodNames) alerts.#listen(periods[name]);
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
    for (const listener of this.#joined) this.#options.feed.leave(listener);
    await this.#delivery.stop();
  }

  #listen(period: Period): void {
    const watches = this.#watches.filter(({ rule }) => rule.period === period);
    if (watches.length === 0) return;
    const listener = {
      send: (event: LiveEvent) => this.#take(watches, event),
      drop: () => {
        for (const watch of watches) watch.interrupt();
        void this.#rejoin(period, listener);
      },
    };
    this.#joined.push(listener);
    this.#join(period, listener);
  }

  async #rejoin(period: Period, listener: Listener): Promise<void> {
    await setTimeout(rejoinMs, undefined, { ref: false });
    if (!this.#stopped) this.#join(period, listener);
  }

  #join(period: Period, listener: Listener): void {
    this.#options.feed.join(period, listener, undefined, evaluateEveryMs);
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
