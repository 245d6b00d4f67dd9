/**
 * A node of a cluster in virtual time, driven by one seed, with a disk and a NATS that fail; and a
 * merger that gets its messages late, twice and in any order. The node's clock steps by hours, its
 * folder is replaced by an older copy or repaired, and the register is away or lost.
 *
 * When all is well again, the cluster has exactly what the node's own store holds, window by window,
 * counts and a report. Only of what a repair gave up it keeps what it had.
 */
import { alignDown, largestTime, min, ms10, ms10PerSecond, periodNames } from '@reto3/core';
import { Random, VirtualClock } from '@reto3/core/testing';
import {
  allTime,
  type Change,
  Coordinator,
  joinStretches,
  type Meta,
  neverPublished,
  readChunks,
  rowRange,
  Store,
  type Stretch,
  unseal,
} from '@reto3/engine';
import { addMessage, allocate, RingReader, reachMs, stripeOf } from '@reto3/engine/ring';
import { SimulatedDisk, type Trouble } from '@reto3/engine/testing';
import { ReportLedgers } from '@reto3/reports';
import { newMessage } from '@reto3/reports/report';
import { WorkerReports } from '@reto3/reports/worker';
import { nextBoot } from '../boot.ts';
import { nodeReportsOf } from '../node-report.ts';
import { Publisher } from '../publisher.ts';
import { messagesReport } from '../testing/messages-report.ts';
import { silentLog } from '../testing/silent-log.ts';
import { heard, SimulatedMerger, type Windows, windowName } from './merger.ts';

const node = 'simulated';
const ignored = () => undefined;
const flushMs = 100;
const startMs = Date.UTC(2016, 4, 28, 23, 58, 30);
/** How far a merger may be behind a node that works, and whose clock is right. */
const mostBehindMs = 5_000;

/** A message that reached mergers. */
interface Sent {
  readonly bytes: Uint8Array;
  /** It bypassed the stream. */
  readonly past: boolean;
}

export class ClusterSimulation {
  readonly #random: Random;
  readonly #clock = new VirtualClock(startMs);
  readonly #disk: SimulatedDisk;
  readonly log: string[] = [];
  /** The stream, with the time of each acknowledgement, monotonic ms. */
  #stream: { readonly bytes: Uint8Array; readonly atMs: number }[] = [];
  #registered = 0;
  /** Messages that the merger has, whatever the stream loses. */
  #taken: Sent[] = [];
  #natsAway = false;
  /** NATS is there, but its stream takes nothing. */
  #streamRefuses = false;
  #registerAway = false;
  #joined = false;
  /** An older copy of the folder, and its boot. */
  #copy: { readonly boot: number; readonly putBack: () => void } | undefined;
  /** `reto3 restore` made the folder, and no boot of it is registered yet. */
  #restored = false;
  /** What the cluster had of minutes that a repair gave up, as far as the node sent nothing since. */
  #kept: Windows = new Map();
  /** Nothing fails anymore. */
  #calm = false;
  #memory = allocate(1);
  #worker = new WorkerReports([messagesReport]);
  #coordinator: Coordinator | undefined;
  #ledgers: ReportLedgers | undefined;
  #publisher: Publisher | undefined;
  /** Raised by a crash: messages of an older process are lost. */
  #generation = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#disk = new SimulatedDisk(this.#random);
  }

  /** Takes so many random steps, heals everything and compares. @throws Error */
  async run(steps: number): Promise<void> {
    await this.#start();
    for (let step = 0; step < steps; step++) {
      await this.#step();
      await settle();
    }
    this.#disk.heal();
    this.#disk.slow = false;
    this.#disk.release();
    this.#natsAway = this.#streamRefuses = this.#registerAway = false;
    this.#clock.step(this.#rightMs - this.#clock.wallMs);
    this.#note('all is well again');
    const isFailing = (): boolean => this.#coordinator?.flusher.isFailing === true;
    for (let beat = 0; beat < 60 || (isFailing() && beat < 1_000); beat++)
      await this.#beat(flushMs);
    this.#calm = true;
    // Longer than any pause after a failed message.
    for (let beat = 0; beat < 60; beat++) await this.#beat(flushMs);
    await this.#coordinator?.flusher.pause();
    await this.#coordinator?.stop();
    await this.#compare();
  }

  async #step(): Promise<void> {
    const dice = this.#random.next();
    if (dice < 0.35) this.#send();
    else if (dice < 0.7)
      await this.#pass(this.#random.pick([10, 50, 100, 200, 1_000, 5_000, 70_000]));
    else if (dice < 0.75) this.#stepClock();
    else if (dice < 0.8) {
      this.#natsAway = !this.#natsAway;
      this.#note(`NATS is ${this.#natsAway ? 'away' : 'back'}`);
    } else if (dice < 0.83) {
      this.#streamRefuses = !this.#streamRefuses;
      this.#note(`the stream takes ${this.#streamRefuses ? 'nothing' : 'messages'}`);
    } else if (dice < 0.85) this.#reconnect();
    else if (dice < 0.86) this.#loseRegister();
    else if (dice < 0.875) {
      this.#registerAway = !this.#registerAway;
      this.#note(`the register is ${this.#registerAway ? 'away' : 'back'}`);
    } else if (dice < 0.89) this.#troubleDisk();
    else if (dice < 0.905) this.#backUp();
    else await this.#crash();
  }

  #send(): void {
    const times = this.#random.between(1, 50);
    for (let time = 0; time < times; time++) {
      const arrivedMs = this.#clock.wallMs - this.#random.pick([0, 0, 0, 900]);
      addMessage(stripeOf(this.#memory, 0), arrivedMs);
      this.#worker.add(newMessage({ arrivedMs }));
    }
    this.#note(`${times} messages`);
  }

  async #pass(ms: number): Promise<void> {
    this.#note(`${ms} ms pass`);
    for (let left = ms; left > 0; ) {
      const beatMs = Math.min(left, ms > 1_000 ? Math.floor(reachMs / 3) : flushMs);
      left -= beatMs;
      await this.#beat(beatMs);
    }
  }

  async #beat(ms: number): Promise<void> {
    this.#clock.pass(ms);
    void this.#coordinator?.flusher.beat();
    await settle();
    // Joining may have to wait for the disk, and so for time to pass.
    if (this.#joined || this.#registerAway) return;
    this.#join().catch(() => {
      this.#joined = false;
    });
  }

  #stepClock(): void {
    const ms = this.#random.pick([
      ...[-3_600_000, -400_000, -200_000, -1_000, 50, 90_000, 400_000],
      ...[-3 * 3_600_000, 3 * 3_600_000],
    ]);
    this.#clock.step(ms);
    this.#note(`the clock steps by ${ms} ms`);
  }

  #troubleDisk(): void {
    const what = this.#random.pick<Trouble>([
      'fail',
      'heal',
      'heal',
      'slow',
      'release',
      'fail one sync',
    ]);
    this.#disk.trouble(what);
    this.#note(`disk: ${what}`);
  }

  async #crash(): Promise<void> {
    const power = this.#random.chance(0.5);
    if (power) this.#disk.cutPower();
    else this.#disk.kill();
    this.#disk.heal();
    this.#generation++;
    this.#note(power ? 'the power fails' : 'the process is killed');
    if (!this.#restore() && this.#random.chance(0.15)) await this.#repair();
    await this.#start();
  }

  /** Copies the folder. Only a copy of a boot that the register has voids what followed. */
  #backUp(): void {
    const { boot } = this.#publisher?.published() ?? neverPublished;
    // After a repair nobody could say what a restored copy should lack.
    const isRepaired = (this.#coordinator?.gone.ms10.length ?? 0) > 0;
    if (!this.#joined || this.#registered !== boot || isRepaired) return;
    this.#copy = { boot, putBack: this.#disk.copy() };
    this.#note(`a backup of boot ${boot}`);
  }

  /** Perhaps restores the copy. Returns whether it did. */
  #restore(): boolean {
    if (this.#copy === undefined || !this.#random.chance(0.3)) return false;
    const { boot, putBack } = this.#copy;
    putBack();
    // A folder that was copied by other means is recognized by a later boot in the register.
    this.#restored = this.#registered <= boot || this.#random.chance(0.5);
    this.#copy = undefined;
    this.#kept.clear();
    this.#note(`the folder is ${this.#restored ? 'restored' : 'put back'} to boot ${boot}`);
    return true;
  }

  /** The newest minutes are damaged, and `reto3 doctor --repair` gives them up. */
  async #repair(): Promise<void> {
    const { coordinator } = await this.#open();
    const { published } = coordinator;
    if (published !== undefined) coordinator.join({ published: () => published });
    await coordinator.prepare();
    const { meta, minutes, journal, reports } = await rowsOf(await coordinator.backup());
    this.#disk.kill();
    const lost = minutes.slice(-this.#random.between(1, 3));
    const isKept = (start: number): boolean => !lost.includes(alignDown(start, min.windowMs));
    const store = await Store.open(() => this.#disk.open());
    const stretches = lost.map((from) => ({ from, to: from + min.windowMs }));
    const gone = joinStretches([...(await store.readGone()).ms10, ...stretches]);
    const writes = meta.writes + 1;
    const open = meta.open.filter(({ start }) => isKept(start));
    await store.write(
      [
        ...lost.map((start): Change => ({ delete: 'ms10', start })),
        ...journal
          .filter(({ start }) => isKept(start))
          .map((row) => ({ put: 'journal', ...row }) as const),
        ...reports,
        { gone: { ms10: gone, sec: [], min: [] } },
        { meta: { ...meta, writes, open } },
      ],
      { sync: true },
    );
    for (const { from, to } of stretches)
      for (const period of periodNames)
        await store.deleteReports(rowRange(messagesReport.name, period, from, to));
    await store.close();
    await this.#disk.anchor.write(writes);
    for (const id of await this.#disk.journals.ids()) await this.#disk.journals.retire(id);
    for (const { bytes } of this.#stream) this.#taken.push({ bytes, past: false });
    const merger = this.#merger(new VirtualClock(this.#rightMs));
    // What an earlier boot voided, and did not tell yet, goes later.
    const isTold = !this.#restored && merger.knows(meta.cluster?.boot ?? 0);
    this.#kept = isTold ? merger.windows() : new Map();
    for (const name of this.#kept.keys()) if (!holds(gone, startOf(name))) this.#kept.delete(name);
    this.#note(`a repair gives up the minutes ${lost.join(', ')}`);
  }

  async #open(): Promise<{ readonly coordinator: Coordinator; readonly store: Store }> {
    this.#memory = allocate(1);
    const store = await Store.open(() => this.#disk.open());
    const coordinator = await Coordinator.open({
      clock: this.#clock,
      ring: new RingReader(this.#memory),
      workerCount: 1,
      store,
      anchor: this.#disk.anchor,
      journals: this.#disk.journals,
      flush: { flushMs, ack: 'memory' },
      node,
      events: { clockStepped: ignored, stalled: ignored, damaged: ignored },
    });
    return { coordinator, store };
  }

  async #start(): Promise<void> {
    this.#joined = false;
    const { coordinator, store } = await this.#open();
    this.#coordinator = coordinator;
    const ledgers = await this.#openLedgers(coordinator, store);
    const published = coordinator.published ?? neverPublished;
    const publisher = new Publisher({
      node,
      source: coordinator,
      clock: this.#clock,
      published: this.#restored ? { ...published, boot: 0, after: 0 } : published,
      newestEnd: coordinator.endBefore,
      reports: {
        list: () => nodeReportsOf(ledgers),
        writtenThrough: (finalThrough) => ledgers.writtenThrough(finalThrough),
      },
      events: { failed: ignored, recovered: ignored },
      log: silentLog,
    });
    this.#publisher = publisher;
    ledgers.onChanges((rows) => publisher.writing(rows));
    coordinator.join(publisher);
    await coordinator.prepare();
    coordinator.count();
    if (!this.#registerAway) await this.#join(this.#random.chance(0.1));
  }

  async #openLedgers(coordinator: Coordinator, store: Store): Promise<ReportLedgers> {
    const events = { switchedOff: ignored, damaged: ignored, erred: ignored };
    const ledgers = await ReportLedgers.open([messagesReport], store, this.#clock, events);
    this.#ledgers = ledgers;
    const worker = new WorkerReports([messagesReport]);
    this.#worker = worker;
    const askForReports = (number: number): void =>
      queueMicrotask(() => ledgers.receive(0, number, worker.drain()));
    ledgers.connect({ workerCount: 1, askForReports });
    ledgers.begin(coordinator.endBefore);
    coordinator.join(ledgers);
    return ledgers;
  }

  /** Like `PublishingNode`. @param dies before the register has the boot */
  async #join(dies = false): Promise<void> {
    const [coordinator, publisher] = [this.#coordinator, this.#publisher];
    if (coordinator === undefined || publisher === undefined) throw new Error('BUG: not started');
    this.#joined = true;
    const next = nextBoot({
      before: publisher.published(),
      registered: this.#registered,
      endBefore: coordinator.endBefore,
      startedAt: coordinator.state().startedAt,
      wallMs: this.#clock.wallMs,
      gone: coordinator.gone.ms10,
      deletedBefore: 0,
    });
    publisher.announce(next, this.#registered);
    const generation = this.#generation;
    await coordinator.savePublished(publisher.published());
    if (generation !== this.#generation) return;
    this.#restored = false;
    if (dies) return this.#crash();
    this.#registered = next.boot;
    const tell = (bytes: Uint8Array): void => {
      if (generation !== this.#generation || this.#natsAway || !this.#random.chance(0.9)) return;
      if (this.#hears(bytes)) this.#taken.push({ bytes, past: true });
    };
    const publish = async (bytes: Uint8Array): Promise<void> => {
      if (generation !== this.#generation) return new Promise(() => undefined);
      const isHeard = this.#hears(bytes);
      const takes = !this.#natsAway && !this.#streamRefuses;
      const reached = this.#calm || (takes && this.#random.chance(0.9));
      if (reached && isHeard) this.#stream.push({ bytes, atMs: this.#clock.monotonicMs });
      else if (this.#natsAway && this.#random.chance(0.2)) this.#loseAcknowledged();
      // It may be in the stream without an acknowledgement.
      if (!reached || (!this.#calm && this.#random.chance(0.1))) throw new Error('timeout');
    };
    publisher.begin({ publish, tell, mostBytes: 1 << 20 });
  }

  /** Whether mergers take a message now. */
  #hears(bytes: Uint8Array): boolean {
    this.#replace(bytes, this.#rightMs);
    return heard(node, bytes, this.#rightMs) !== undefined;
  }

  /** What a message holds replaces what mergers had. */
  #replace(bytes: Uint8Array, nowMs: number): void {
    const incoming = heard(node, bytes, nowMs);
    if (incoming === undefined) return;
    if ('counts' in incoming) {
      for (const { start } of incoming.counts.seconds)
        for (let window = 0; window < ms10PerSecond; window++)
          this.#kept.delete(windowName('counts', start + window * ms10.windowMs));
    } else {
      for (const { period, start } of incoming.reports.windows)
        this.#kept.delete(windowName(period, start));
    }
  }

  /** The time of clocks that are right, such as the merger's; epoch ms. */
  get #rightMs(): number {
    return startMs + this.#clock.monotonicMs;
  }

  /** Connects to another server, perhaps without a failed message. */
  #reconnect(): void {
    if (this.#natsAway) return;
    this.#note('connected to NATS again');
    this.#loseAcknowledged();
    this.#publisher?.connected();
  }

  /** The next boot does not find those before it. */
  #loseRegister(): void {
    // Without it, a folder that was put back would look like the newest one; and the boot of a restored
    // one might be earlier than those that it follows, if the clock was set back.
    if (!this.#joined || this.#copy !== undefined) return;
    this.#note('the register is lost');
    this.#registered = 0;
  }

  /** Another server leads the stream, without its newest messages. */
  #loseAcknowledged(): void {
    const since = this.#clock.monotonicMs - this.#random.pick([300, 5_000, 100_000]);
    const before = this.#stream.length;
    this.#stream = this.#stream.filter(({ atMs }) => atMs < since);
    this.#note(`NATS loses ${before - this.#stream.length} messages`);
  }

  /** A merger that has everything that reached it or is in the stream, and some of it twice. */
  #merger(clock: VirtualClock): SimulatedMerger {
    const merger = new SimulatedMerger(clock, node, messagesReport.name);
    const all = [...this.#taken, ...this.#stream.map(({ bytes }) => ({ bytes, past: false }))];
    const again = all.filter(() => this.#random.chance(0.2));
    for (const { bytes, past } of this.#shuffled([...all, ...again])) merger.take(bytes, past);
    return merger;
  }

  async #compare(): Promise<void> {
    const publisher = this.#publisher;
    if (publisher === undefined) throw new Error('BUG: not started');
    const clock = new VirtualClock(this.#rightMs);
    const merger = this.#merger(clock);
    const behindMs = this.#rightMs - merger.mark;
    if (behindMs > mostBehindMs) throw new Error(`the merger is ${behindMs} ms behind the node`);
    // By then, windows of a clock that was ahead are in the past.
    for (const each of [clock, this.#clock]) each.step(86_400_000);
    await merger.pull(publisher, (bytes) => this.#replace(bytes, clock.wallMs));
    const [got, wanted] = [merger.windows(), await this.#windows()];
    for (const [what, windows] of [
      ['want', wanted],
      ['a repair kept', this.#kept],
    ] as const)
      for (const [name, value] of windows)
        if (got.get(name) !== value)
          throw new Error(`got ${got.get(name)} at ${name}, ${what} ${value}`);
    // Before the end of a repair no boot vouches, so nothing there is void.
    const repairedTo = this.#coordinator?.gone.ms10.at(-1)?.to ?? 0;
    for (const [name, value] of got)
      if (!wanted.has(name) && startOf(name) >= repairedTo)
        throw new Error(`got ${value} at ${name}, where the node has nothing`);
  }

  /** What the node has. */
  async #windows(): Promise<Windows> {
    const [coordinator, ledgers] = [this.#coordinator, this.#ledgers];
    if (coordinator === undefined || ledgers === undefined) throw new Error('BUG: not started');
    const windows: Windows = new Map();
    const view = coordinator.view();
    try {
      const chunks = readChunks(view, ms10, allTime, ({ gone, reason }) => {
        if (gone !== true) throw new Error(reason);
      });
      for await (const { start, windows: read } of chunks)
        for (const [index, counted] of read.counted.entries())
          if (counted === 1)
            windows.set(
              windowName('counts', start + index * ms10.windowMs),
              read.counts[index] ?? 0,
            );
    } finally {
      await view.store.close();
    }
    for (const period of periodNames) {
      const rows = ledgers.view(messagesReport.name, period, Number.MAX_SAFE_INTEGER);
      const fail = ({ reason }: { readonly reason: string }): never => {
        throw new Error(reason);
      };
      for await (const { start, bytes } of rows.windows(allTime, fail))
        windows.set(windowName(period, start), Buffer.from(bytes).toString());
      await rows.close();
    }
    return windows;
  }

  #shuffled<T>(items: readonly T[]): T[] {
    const rest = [...items];
    const shuffled: T[] = [];
    while (rest.length > 0) shuffled.push(...rest.splice(this.#random.below(rest.length), 1));
    return shuffled;
  }

  #note(what: string): void {
    this.log.push(what);
  }
}

/** Everything in a folder, as a backup has it. */
async function rowsOf(source: Awaited<ReturnType<Coordinator['backup']>>) {
  const { messages: _, ...meta }: Meta = JSON.parse(
    unseal((await source.text('node')) ?? '') ?? '',
  );
  const minutes = new Set<number>();
  for await (const { start } of source.encodedRows('ms10', allTime)) minutes.add(start);
  const journal = [];
  for await (const row of source.encodedRows('journal', allTime)) {
    minutes.add(alignDown(row.start, min.windowMs));
    journal.push(row);
  }
  const reports: Change[] = [];
  for (const period of periodNames)
    for await (const [key, bytes] of source.reports(
      rowRange(messagesReport.name, period, 0, largestTime),
    ))
      reports.push({ report: key, bytes });
  await source.close();
  return { meta, minutes: [...minutes].sort((a, b) => a - b), journal, reports };
}

function holds(stretches: readonly Stretch[], timeMs: number): boolean {
  return stretches.some(({ from, to }) => from <= timeMs && timeMs < to);
}

/** The start in the name of a window, epoch ms. */
function startOf(name: string): number {
  return Number(name.split(' ')[1]);
}

/** Lets everything finish that needs no virtual time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}
