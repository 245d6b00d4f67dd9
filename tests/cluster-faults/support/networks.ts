/**
 * A network namespace per process, all on one switch, so that each can be cut off or get a bad line. A
 * second line to each, always intact, is for the test and the load.
 *
 *     here ──198.18.0.254── switch ──198.18.0.N── network N ──198.19.N.2── 198.19.N.1 ── here
 *
 * The addresses are reserved for benchmarks (RFC 2544).
 */
import { spawnSync } from 'node:child_process';
import { onTestFinished } from 'vitest';
import type { Place } from '../../support/place.ts';

/**
 * The prefix of all network names; scripts/cluster-faults.mjs cleans up by it after an aborted run.
 */
const { RETO3_FAULTS_DEVICE: device = `reto3-faults-${process.pid}` } = process.env;
/** The prefix of interface names, which may have 15 characters. */
const prefix = `r${process.pid.toString(36)}`;

const here = '198.18.0.254/24';

export interface BadLine {
  readonly delayMs: number;
  /** The share of incoming packets to drop, 0 to 100. */
  readonly lossPercent: number;
}

export class Networks {
  /** Addresses on the switch, for traffic between the processes. */
  readonly inside: readonly Place[];
  /** Addresses for the test and the load, never cut off. */
  readonly outside: readonly Place[];
  readonly #names: readonly string[];

  private constructor(names: readonly string[]) {
    this.#names = names;
    const place = (host: string, name: string): Place => ({
      host,
      wrapper: ['ip', 'netns', 'exec', name],
    });
    this.inside = names.map((name, index) => place(`198.18.0.${index + 1}`, name));
    this.outside = names.map((name, index) => place(`198.19.${index + 1}.2`, name));
  }

  /** Makes networks, and deletes them when the running test ends. */
  static make(count: number): Networks {
    const { stdout } = spawnSync('ip', ['-o', 'addr'], { encoding: 'utf8' });
    if (stdout.includes(` ${here} `))
      throw new Error(`got ${here} in use, by another run perhaps that broke off: see ip netns`);
    const hub = `${device}-hub`;
    const names = Array.from({ length: count }, (_, index) => `${device}-${index}`);
    onTestFinished(() => {
      for (const name of [hub, ...names]) spawnSync('ip', ['netns', 'delete', name]);
    });
    ip(`netns add ${hub}`);
    ip(`-n ${hub} link add switch type bridge`);
    ip(`-n ${hub} link set switch up`);
    ip(`link add ${prefix}h type veth peer name here netns ${hub}`);
    ip(`-n ${hub} link set here master switch up`);
    ip(`addr add ${here} dev ${prefix}h`);
    ip(`link set ${prefix}h up`);
    for (const [index, name] of names.entries()) {
      ip(`netns add ${name}`);
      ip(`-n ${name} link set lo up`);
      ip(`-n ${name} link add line type veth peer name port${index} netns ${hub}`);
      ip(`-n ${hub} link set port${index} master switch up`);
      ip(`-n ${name} addr add 198.18.0.${index + 1}/24 dev line`);
      ip(`-n ${name} link set line up`);
      ip(`link add ${prefix}${index} type veth peer name test netns ${name}`);
      ip(`addr add 198.19.${index + 1}.1/30 dev ${prefix}${index}`);
      ip(`link set ${prefix}${index} up`);
      ip(`-n ${name} addr add 198.19.${index + 1}.2/30 dev test`);
      ip(`-n ${name} link set test up`);
    }
    return new Networks(names);
  }

  /** Cuts a process off from the switch; packets disappear silently. */
  cut(index: number): void {
    ip(`-n ${device}-hub link set port${index} down`);
  }

  heal(index: number): void {
    ip(`-n ${device}-hub link set port${index} up`);
  }

  /** Delays and drops packets on all lines, until `repair`. */
  worsen(line: BadLine): void {
    for (const name of this.#names) {
      if (hasNetem()) {
        run(
          'ip',
          `netns exec ${name} tc qdisc add dev line root netem delay ${line.delayMs}ms loss ${line.lossPercent}%`,
        );
        continue;
      }
      // The line is so slow that packets queue, but for that long at most.
      run(
        'ip',
        `netns exec ${name} tc qdisc add dev line root tbf rate ${slowRate} burst 3kb latency ${line.delayMs}ms`,
      );
      const rules = `table netdev bad { chain in { type filter hook ingress device "line" priority 0; numgen random mod 100 < ${line.lossPercent} drop; }; }`;
      run('ip', `netns exec ${name} nft`, [rules]);
    }
  }

  repair(): void {
    for (const name of this.#names) {
      run('ip', `netns exec ${name} tc qdisc del dev line root`);
      if (!hasNetem()) run('ip', `netns exec ${name} nft delete table netdev bad`);
    }
  }
}

/** The rate of a bad line without netem, which alone can delay a packet for a fixed time. */
const slowRate = '2mbit';

/** Describes the bad line on this machine. */
export function badLineOf({ delayMs, lossPercent }: BadLine): string {
  return hasNetem()
    ? `${delayMs} ms and ${lossPercent} % loss by tc netem`
    : `a queue of up to ${delayMs} ms at ${slowRate} by tc tbf and ${lossPercent} % loss by nft (this kernel has no netem)`;
}

let netem: boolean | undefined;

function hasNetem(): boolean {
  const probe = `${device}-probe`;
  netem ??= [
    `ip netns add ${probe}`,
    `ip netns exec ${probe} tc qdisc add dev lo root netem delay 1ms`,
  ].every((line) => spawnSync('sh', ['-c', line]).status === 0);
  spawnSync('ip', ['netns', 'delete', probe]);
  return netem;
}

/** Why networks are impossible here; undefined if they are possible. */
export function namespaces(): string | undefined {
  const probe = `${device}-probe`;
  const { status } = spawnSync('ip', ['netns', 'add', probe]);
  spawnSync('ip', ['netns', 'delete', probe]);
  return status === 0 ? undefined : 'cannot make network namespaces';
}

function ip(line: string): void {
  run('ip', line);
}

function run(command: string, line: string, more: readonly string[] = []): void {
  const args = [...line.split(' '), ...more];
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cannot ${command} ${args.join(' ')}: ${stderr}`);
}
