/**
 * Installs the Debian packages that the measurements want, where that is allowed. Their services
 * are not started: a server that runs by itself would take part in every measurement.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { findProgram, runProgram } from './program.ts';

/** Where Debian asks whether a package may start its services (invoke-rc.d(8)). */
const policy = '/usr/sbin/policy-rc.d';
const mostMs = 600_000;

export async function install(packages: readonly string[]): Promise<void> {
  if (packages.length === 0) return;
  if (process.getuid?.() !== 0 || findProgram('apt-get') === undefined)
    throw new Error(`cannot install ${packages.join(', ')}: that needs root and apt-get`);
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const options = {
    cores: undefined,
    mostMs,
    environment: { DEBIAN_FRONTEND: 'noninteractive' },
  };
  try {
    await runProgram('apt-get', ['update', '-qq'], options);
    const args = ['install', '-y', '-qq', '--no-install-recommends', ...packages];
    await runProgram('apt-get', args, options);
  } finally {
    if (ours) rmSync(policy);
  }
}
