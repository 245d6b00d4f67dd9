/**
 * Durations and repetitions. The quick plan takes two minutes, shows that everything works and
 * gives rough figures; the full one produces docs/performance.md.
 */

export interface Plan {
  readonly name: 'quick' | 'full';
  /** The time limit for the whole run. */
  readonly maxMinutes: number;
  /** Rounds with reto3 and what it is compared with. A single round varies by a tenth. */
  readonly pairs: number;
  /** Rounds with all other peers. */
  readonly peerRounds: number;
  /** The duration of one wrk run. */
  readonly loadSeconds: number;
  readonly unpinnedRounds: number;
  readonly latencyRounds: number;
  readonly latencySeconds: number;
  /** How long a server is under load before its delays are measured. */
  readonly settleSeconds: number;
  readonly challengeRounds: number;
  /** Of these, the rounds that also have the servers on Node's HTTP. */
  readonly challengePeerRounds: number;
  readonly challengeSeconds: number;
  /** The duration of a load as long as the challenge. */
  readonly soakSeconds: number;
  /** Whether Tsung generates the challenge's load; otherwise the generator at a fixed rate. */
  readonly tsung: boolean;
  readonly delaySeconds: number;
  /** The length of the stored "day". */
  readonly storedHours: number;
  /** Days in the long history. */
  readonly historyDays: number;
  readonly exportRounds: number;
  readonly startRounds: number;
  readonly queryRounds: number;
  readonly watchRounds: number;
  readonly watchSeconds: number;
  /** How long a server counts before it is watched. */
  readonly watchedHistorySeconds: number;
  readonly archiveRounds: number;
  /** The minimum number of messages to read. */
  readonly archivedMessages: number;
  /** The number of requests in each log. */
  readonly logLines: number;
  readonly logRounds: number;
  /** The size of the log whose reading is watched for its memory. */
  readonly largeLogBytes: number;
  /** The size of the log that is viewed. */
  readonly viewedLogBytes: number;
  readonly followedLinesPerSecond: number;
  readonly followSeconds: number;
  readonly workerCounts: readonly number[];
  readonly connectionCounts: readonly number[];
  readonly scalingSeconds: number;
  readonly rates: readonly number[];
  readonly rateSeconds: number;
  readonly cluster: ClusterPlan;
}

/** A cluster's measurements: `--cluster`. */
interface ClusterPlan {
  /** Requests per second to one real node, whose publishing is measured. */
  readonly nodeRates: readonly number[];
  readonly trafficSeconds: number;
  /** The same at the challenge's rate: as long as the challenge. */
  readonly challengeTrafficSeconds: number;
  /** How many simulated nodes a merger adds up, one measurement each. */
  readonly nodeCounts: readonly number[];
  /** The duration of each of two measurements: cores, then delay. */
  readonly growthSeconds: number;
  /** How many nodes a merger with an empty folder joins, one measurement each. */
  readonly freshNodes: readonly number[];
  /** For how long those nodes have counted. The stream keeps the last quarter of an hour. */
  readonly freshMinutes: number;
  /** Real servers on this machine. */
  readonly nodes: number;
  /** One sample per second. */
  readonly delaySeconds: number;
  readonly rates: readonly number[];
  readonly rateSeconds: number;
  readonly limitSeconds: number;
}

export const quick: Plan = {
  name: 'quick',
  maxMinutes: 5,
  pairs: 2,
  peerRounds: 1,
  loadSeconds: 1,
  unpinnedRounds: 1,
  latencyRounds: 1,
  latencySeconds: 1,
  settleSeconds: 1,
  challengeRounds: 1,
  challengePeerRounds: 1,
  challengeSeconds: 3,
  soakSeconds: 3,
  tsung: false,
  delaySeconds: 2,
  storedHours: 1,
  historyDays: 3,
  exportRounds: 2,
  startRounds: 3,
  queryRounds: 10,
  watchRounds: 1,
  watchSeconds: 1,
  watchedHistorySeconds: 0,
  archiveRounds: 1,
  archivedMessages: 200_000,
  logLines: 400_000,
  logRounds: 1,
  largeLogBytes: 50_000_000,
  viewedLogBytes: 50_000_000,
  followedLinesPerSecond: 100_000,
  followSeconds: 2,
  workerCounts: [1, 2],
  connectionCounts: [1, 100, 1_000],
  scalingSeconds: 1,
  rates: [5_000, 20_000, 100_000],
  rateSeconds: 1,
  cluster: {
    nodeRates: [5_000],
    trafficSeconds: 3,
    challengeTrafficSeconds: 3,
    nodeCounts: [10, 100],
    growthSeconds: 5,
    freshNodes: [10, 20],
    freshMinutes: 20,
    nodes: 2,
    delaySeconds: 5,
    rates: [20_000, 100_000],
    rateSeconds: 2,
    limitSeconds: 2,
  },
};

export const full: Plan = {
  name: 'full',
  maxMinutes: 150,
  pairs: 9,
  peerRounds: 5,
  loadSeconds: 3,
  unpinnedRounds: 5,
  latencyRounds: 9,
  latencySeconds: 6,
  settleSeconds: 10,
  challengeRounds: 9,
  challengePeerRounds: 3,
  challengeSeconds: 30,
  soakSeconds: 600,
  tsung: true,
  delaySeconds: 60,
  storedHours: 24,
  historyDays: 30,
  exportRounds: 5,
  startRounds: 11,
  queryRounds: 50,
  watchRounds: 9,
  watchSeconds: 2,
  watchedHistorySeconds: 20,
  archiveRounds: 7,
  archivedMessages: 10_000_000,
  logLines: 10_000_000,
  logRounds: 3,
  largeLogBytes: 2_000_000_000,
  viewedLogBytes: 1_000_000_000,
  followedLinesPerSecond: 100_000,
  followSeconds: 60,
  workerCounts: [1, 2, 4],
  connectionCounts: [1, 10, 100, 1_000, 10_000],
  scalingSeconds: 2,
  rates: [5_000, 20_000, 100_000],
  rateSeconds: 10,
  cluster: {
    nodeRates: [0, 5_000, 50_000],
    trafficSeconds: 10,
    challengeTrafficSeconds: 600,
    nodeCounts: [10, 100, 1_000],
    growthSeconds: 12,
    freshNodes: [10, 100, 1_000],
    freshMinutes: 60,
    nodes: 3,
    delaySeconds: 100,
    rates: [20_000, 100_000],
    rateSeconds: 8,
    limitSeconds: 5,
  },
};
