/** Access to the store for one answer: through the read throttle, until the abort signal. */
import type { AuditLimits } from '@reto3/cluster';
import { ms10 } from '@reto3/core';
import { type BackupRows, type CountsView, lengthOf } from '@reto3/engine';
import type { ReportWindows, StoredWindow } from '@reto3/reports';
import { type ReadThrottle, readCost } from './read-throttle.ts';

/** Formatting an accumulator costs as much as printing this many windows. */
function accumulatorCost({ bytes }: StoredWindow): number {
  return 100 + bytes.byteLength;
}
/** The same, for a row of a backup that is not a block. */
const reportRowCost = 100;

export class ReadContext {
  /** Aborted when the client has left or the query takes too long. */
  readonly signal: AbortSignal;
  readonly #throttle: ReadThrottle | undefined;

  /** @param throttle undefined for a short query */
  constructor(signal: AbortSignal, throttle: ReadThrottle | undefined) {
    this.signal = signal;
    this.#throttle = throttle;
  }

  /** @param cost the cost of reading one window, as in `readCost` */
  counts(view: CountsView, cost: number): CountsView {
    const throttle = this.#throttle;
    if (throttle === undefined) return view;
    const { store } = view;
    return {
      ...view,
      store: {
        rows: (...range) =>
          throttle.limit(
            store.rows(...range),
            ({ windows }) => cost * windows.counts.length,
            this.signal,
          ),
        close: () => store.close(),
      },
    };
  }

  report(view: ReportWindows): ReportWindows {
    const throttle = this.#throttle;
    if (throttle === undefined) return view;
    return {
      finalThrough: view.finalThrough,
      newestEnd: () => view.newestEnd(),
      windows: (...range) => throttle.limit(view.windows(...range), accumulatorCost, this.signal),
      close: () => view.close(),
    };
  }

  /** Limits of an audit that compares the minutes of a cluster's nodes. */
  clusterAudit(): AuditLimits {
    const throttle = this.#throttle;
    const { signal } = this;
    if (throttle === undefined) return { signal, throttle: (minutes) => minutes };
    const cost = readCost.audit * ms10.blockWindows;
    return { signal, throttle: (minutes) => throttle.limit(minutes, () => cost, signal) };
  }

  backup(snapshot: BackupRows): BackupRows {
    const throttle = this.#throttle;
    if (throttle === undefined) return snapshot;
    return {
      text: (name) => snapshot.text(name),
      encodedRows: (series, range) =>
        throttle.limit(
          snapshot.encodedRows(series, range),
          () => readCost.backup * lengthOf(series),
          this.signal,
        ),
      reports: (range) =>
        throttle.limit(snapshot.reports(range), () => readCost.backup * reportRowCost, this.signal),
      parts: () =>
        throttle.limit(snapshot.parts(), () => readCost.backup * lengthOf('ms10'), this.signal),
    };
  }
}
