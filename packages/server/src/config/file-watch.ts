/**
 * Notices when files are replaced or changed, for certificates and tokens that are renewed while a
 * server runs. It compares the result of `stat` every two seconds: certbot and Kubernetes replace
 * links in front of the files, and file system events do not report that.
 */
import { stat } from 'node:fs/promises';

const pollEveryMs = 2_000;

export class FileWatch {
  readonly files: readonly string[];
  #timer: NodeJS.Timeout | undefined;
  /** The state that was last reported, and the one last seen. */
  #known: string;
  #seen = '';
  #looking = false;

  private constructor(files: readonly string[], known: string) {
    this.files = files;
    this.#known = known;
  }

  /** Notes the state of the files. Call it before they are read, so that no change is missed. */
  static async of(files: readonly string[]): Promise<FileWatch> {
    return new FileWatch(files, await stateOf(files));
  }

  /**
   * Reports changes since the state was noted.
   * @param changed called once for each change, after two polls have seen it, so that a key and its
   * certificate, or a file that is being written, are complete when they are read
   */
  begin(changed: () => Promise<void>, everyMs = pollEveryMs): void {
    this.#timer = setInterval(() => void this.#poll(changed), everyMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #poll(changed: () => Promise<void>): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const now = await stateOf(this.files);
      const isSettled = now === this.#seen;
      this.#seen = now;
      if (now === this.#known || !isSettled) return;
      this.#known = now;
      await changed();
    } finally {
      this.#looking = false;
    }
  }
}

async function stateOf(files: readonly string[]): Promise<string> {
  const states = files.map(async (file) => {
    const found = await stat(file, { bigint: true }).catch(() => undefined);
    return found && `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}:${found.ctimeNs}`;
  });
  return (await Promise.all(states)).join();
}
