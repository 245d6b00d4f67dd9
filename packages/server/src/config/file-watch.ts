/**
 * Notices when files are replaced or changed, for certificates and tokens that are renewed while a
 * server runs. It compares what `stat` says every two seconds: certbot and Kubernetes exchange links
 * in front of the files, of which the events of a file system say nothing.
 */
import { stat } from 'node:fs/promises';

const lookEveryMs = 2_000;

export class FileWatch {
  readonly #files: readonly string[];
  readonly #changed: () => Promise<void>;
  readonly #timer: NodeJS.Timeout;
  /** The state that was taken up, and the last one seen. */
  #known: Promise<string>;
  #seen = '';
  #looking = false;

  /**
   * @param changed called once for each change, after it has lasted for one look, so that a key and
   * its certificate, or a file that is being written, are read when both are there
   */
  constructor(files: readonly string[], changed: () => Promise<void>, everyMs = lookEveryMs) {
    this.#files = files;
    this.#changed = changed;
    this.#known = this.#state();
    this.#timer = setInterval(() => void this.#look(), everyMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const [known, now] = [await this.#known, await this.#state()];
      const isSettled = now === this.#seen;
      this.#seen = now;
      if (now === known || !isSettled) return;
      this.#known = Promise.resolve(now);
      await this.#changed();
    } finally {
      this.#looking = false;
    }
  }

  async #state(): Promise<string> {
    const states = this.#files.map(async (file) => {
      const found = await stat(file, { bigint: true }).catch(() => undefined);
      return found && `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}:${found.ctimeNs}`;
    });
    return (await Promise.all(states)).join();
  }
}
