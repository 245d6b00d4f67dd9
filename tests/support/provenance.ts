/** A table's date, machine and commit: one line for its page. */
import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus, release, totalmem } from 'node:os';

export function provenance(): string {
  const [processor] = cpus();
  const machine = [
    `${availableParallelism()} cores of ${processor?.model ?? 'an unknown processor'}`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `Linux ${release()}`,
    `Node.js ${process.versions.node}`,
  ].join(', ');
  return `Run on ${new Date().toISOString().slice(0, 10)}, commit ${commit()},\non ${machine}.`;
}

/** Ends in a plus if the sources have uncommitted changes. */
function commit(): string {
  const git = (...args: string[]): string =>
    spawnSync('git', args, { encoding: 'utf8' }).stdout.trim();
  const dirty = git('status', '--porcelain', '--', 'packages', 'tests') !== '';
  return `${git('rev-parse', '--short', 'HEAD')}${dirty ? '+' : ''}`;
}
