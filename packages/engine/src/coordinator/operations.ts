/**
 * What is under way with the disk, and since when. An operation cannot be called back: one that takes
 * longer than any disk that works is a failure, and nothing new may begin until it has ended.
 */
import { type Clock, type MonotonicMs, Reto3Error } from '@reto3/core';

/** Ten times what a disk that is busy with something else was seen to take. */
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

  /** @param what for the message of its failure: cannot <what> */
  async run<T>(what: string, work: () => Promise<T>): Promise<T> {
    const operation = { what, since: this.#clock.read().monotonicMs, isLate: false };
    this.#underWay.add(operation);
    try {
      return await work();
    } finally {
      this.#underWay.delete(operation);
    }
  }

  /** The failure of an operation that is past its deadline; each is told once. */
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
 * The value of `work`, for as long as somebody is ready to wait, in real time.
 * @throws Reto3Error RETO3_STORE_FAILING
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
