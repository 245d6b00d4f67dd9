/**
 * Runs docker-compose on one of the project's files, with a project name of the test's own. If
 * images build only in the host's network, set RETO3_DOCKER_BUILD_NETWORK=host.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

interface ComposeOptions {
  /** Relative to the root of the clone. */
  readonly file: string;
  /** Services in the file that have a `build:`. */
  readonly built: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
}

export class Compose {
  readonly #files: readonly string[];
  readonly #folder: string;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(files: readonly string[], folder: string, environment: NodeJS.ProcessEnv) {
    this.#files = files;
    this.#folder = folder;
    this.#environment = environment;
  }

  static async open({ file, built, environment }: ComposeOptions): Promise<Compose> {
    const folder = await mkdtemp(join(tmpdir(), 'reto3-compose-'));
    const files = [join(root, file)];
    const network = process.env['RETO3_DOCKER_BUILD_NETWORK'];
    if (network !== undefined) {
      const override = join(folder, 'network.yml');
      const services = built.map((name) => `  ${name}:\n    build: { network: ${network} }\n`);
      await writeFile(override, `services:\n${services.join('')}`);
      files.push(override);
    }
    return new Compose(files, folder, { ...process.env, ...environment });
  }

  /**
   * The command's stdout.
   * @throws Error with its output if it fails
   */
  async run(...args: string[]): Promise<string> {
    const files = this.#files.flatMap((file) => ['--file', file]);
    const all = ['--project-name', 'reto3-test', ...files, ...args];
    const { stdout } = await run('docker-compose', all, {
      env: this.#environment,
      maxBuffer: 64 << 20,
    });
    return stdout;
  }

  /** The IDs of a service's containers. */
  async containers(service: string): Promise<readonly string[]> {
    return (await this.run('ps', '--quiet', service)).trim().split('\n');
  }

  /** The ID of a service's only container. */
  async container(service: string): Promise<string> {
    const [id, ...others] = await this.containers(service);
    if (id === undefined || others.length > 0)
      throw new Error(`got ${others.length + 1} containers of ${service}, want one`);
    return id;
  }

  async close(): Promise<void> {
    await this.run('down', '--volumes', '--timeout', '30');
    await rm(this.#folder, { recursive: true });
  }
}

/** Runs docker itself; returns its stdout. */
export async function docker(...args: string[]): Promise<string> {
  return (await run('docker', args)).stdout.trim();
}

/** A container's stdout and stderr. */
export async function logs(container: string): Promise<readonly [string, string]> {
  const { stdout, stderr } = await run('docker', ['logs', container]);
  return [stdout, stderr];
}
