/** What a route reads of the store for one answer: when to give up, and how fast to go. */
import { type CountsView, lengthOf, type StoreSnapshot } from '@reto3/engine';
import type { ReportWindows, StoredWindow } from '@reto3/reports';
import { type ReadThrottle, workOf } from './read-throttle.ts';

/** Showing an accumulator of so many bytes is as much work as printing so many windows. */
function windowsOfAccumulator({ bytes }: StoredWindow): number {
  return 100 + bytes.byteLength;
}
/** The same for a row of a backup that is no block. */
const windowsPerReportRow = 100;

export class Reading {
  /** Aborted when nobody waits for the answer any more, or it took too long. */
  readonly signal: AbortSignal;
  readonly #throttle: ReadThrottle | undefined;

  /** @param throttle undefined where the answer is short */
  constructor(signal: AbortSignal, throttle: ReadThrottle | undefined) {
    this.signal = signal;
    this.#throttle = throttle;
  }

  /** @param work what becomes of each window, as in `workOf`; more where it is made of several */
  counts(view: CountsView, work: number): CountsView {
    const throttle = this.#throttle;
    if (throttle === undefined) return view;
    const { store } = view;
    return {
      ...view,
      store: {
        rows: (...asked) =>
          throttle.hold(
            store.rows(...asked),
            ({ windows }) => work * windows.counts.length,
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
      windows: (...asked) =>
        throttle.hold(view.windows(...asked), windowsOfAccumulator, this.signal),
      close: () => view.close(),
    };
  }

  backup(snapshot: StoreSnapshot): Pick<StoreSnapshot, 'text' | 'encodedRows' | 'reports'> {
    const throttle = this.#throttle;
    if (throttle === undefined) return snapshot;
    return {
      text: (name) => snapshot.text(name),
      encodedRows: (series, range) =>
        throttle.hold(
          snapshot.encodedRows(series, range),
          () => workOf.backup * lengthOf(series),
          this.signal,
        ),
      reports: (range) =>
        throttle.hold(
          snapshot.reports(range),
          () => workOf.backup * windowsPerReportRow,
          this.signal,
        ),
    };
  }
}
