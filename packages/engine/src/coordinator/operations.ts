/**
 * The operations on the disk that are under way, with their deadline. An operation cannot be
 * cancelled: one past its deadline is a failure, and nothing new may begin until it has ended.
 */
import { type Clock, type MonotonicMs, Reto3Error } from '@reto3/core';

/** Ten times the longest operation measured on a busy disk. */
const deadlineMs = 10_000;

interface Operation {
  readonly what: string;
  readonly since: MonotonicMs;
  isLate: boolean;
}

export class Operations {
  readonly #clock: Clock;
  readonly #underWay = new Set<Operation>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether nothing is under way. */
  get none(): boolean {
    return this.#underWay.size === 0;
  }

  /** @param what for the message at its deadline: cannot <what> */
  async run<T>(what: string, work: () => Promise<T>): Promise<T> {
    const operation = { what, since: this.#clock.read().monotonicMs, isLate: false };
    this.#underWay.add(operation);
    try {
      return await work();
    } finally {
      this.#underWay.delete(operation);
    }
  }

  /** The error of an operation past its deadline; once for each operation. */
  overdue(now: MonotonicMs): Reto3Error | undefined {
    for (const operation of this.#underWay) {
      if (operation.isLate || now - operation.since < deadlineMs) continue;
      operation.isLate = true;
      return late(operation.what);
    }
    return undefined;
  }
}

/**
 * The result of `work`, within the deadline in real time.
 * @throws Reto3Error RETO3_STORE_FAILING at the deadline
 */
export async function inTime<T>(what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late(what)), deadlineMs);
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}

function late(what: string): Reto3Error {
  const message = `cannot ${what}: the disk has not answered for ${deadlineMs / 1_000} s`;
  return new Reto3Error('RETO3_STORE_FAILING', message);
}
