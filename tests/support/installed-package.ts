/**
 * For Vitest: packs reto3 and installs it with npm, without a network, if possible in the tests'
 * Debian 13. The installation has only Node.js, npm and the packed file.
 */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { testRoot } from './debian-root.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The installed `reto3`; undefined except in the project `package`. */
    cliFile: string | undefined;
    /** The packed file, and the npm that installs it. */
    packed: { readonly file: string; readonly npm: string };
  }
}

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Without a network, and with no files outside `folder`. */
export function npmOptions(folder: string): string[] {
  return ['--prefix', folder, '--cache', join(folder, '.npm'), '--offline'];
}

/** Runs npm without a network for an installation below `prefix`. */
export function npm(script: string, prefix: string, ...args: string[]): Promise<string> {
  return runNode(script, ...args, '--global', ...npmOptions(prefix));
}

/** Runs a script with the Node.js of the tests' Debian 13; returns its stdout. */
export async function runNode(script: string, ...args: string[]): Promise<string> {
  const { RETO3_NEWER_BUILD_ROOT: debian } = process.env;
  const { wrapper, env } = testRoot(debian ?? '');
  const [program = 'node', ...words] = [...wrapper, 'node', script, ...args];
  const { stdout } = await run(program, words, { env: { ...process.env, ...env } });
  return stdout;
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'reto3-package-'));
  const packing = ['scripts/pack.mjs', '--pack-destination', folder];
  const { stdout } = await run(process.execPath, packing, { cwd: root });
  const file = stdout.trim();
  // The Debian 13 has only Node.js; this folder exists on both sides.
  const { stdout: modules } = await run('npm', ['root', '--global']);
  const own = join(folder, 'npm');
  await cp(await realpath(join(modules.trim(), 'npm')), own, { recursive: true });
  const script = join(own, 'bin', 'npm-cli.js');
  const prefix = join(folder, 'installed');
  await npm(script, prefix, 'install', file);
  project.provide('cliFile', join(prefix, 'bin', 'reto3'));
  project.provide('packed', { file, npm: script });
  return () => rm(folder, { recursive: true });
}
