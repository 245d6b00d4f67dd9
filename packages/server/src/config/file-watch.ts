/**
 * Notices when files are replaced or changed, for certificates and tokens that are renewed while a
 * server runs. It compares the result of `stat` every two seconds: certbot and Kubernetes replace
 * links in front of the files, and file system events do not report that.
 */
import { stat } from 'node:fs/promises';

const pollEveryMs = 2_000;

export class FileWatch {
  readonly #files: readonly string[];
  readonly #changed: () => Promise<void>;
  readonly #timer: NodeJS.Timeout;
  /** The state that was last reported, and the one last seen. */
  #known: Promise<string>;
  #seen = '';
  #looking = false;

  /**
   * @param changed called once for each change, after two polls have seen it, so that a key and its
   * certificate, or a file that is being written, are complete when they are read
   */
  constructor(files: readonly string[], changed: () => Promise<void>, everyMs = pollEveryMs) {
    this.#files = files;
    this.#changed = changed;
    this.#known = this.#state();
    this.#timer = setInterval(() => void this.#poll(), everyMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #poll(): Promise<void> {
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
