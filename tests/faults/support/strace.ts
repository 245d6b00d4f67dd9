/**
 * Makes a running server's fsyncs or writes fail or hang, with strace.
 *
 * Tracing stops a thread at every system call, so trace only threads that write to the disk: those
 * that wait for work (futex) while the server is idle. The main thread and the ingest workers wait
 * for the network (epoll); tracing them would slow down requests.
 */
import { readdir, readFile } from 'node:fs/promises';
import { launch, type RunningProcess } from '../../support/processes.ts';
import { waitUntil } from '../../support/wait.ts';

/** The number of the system call futex, by supported processor architecture. */
const futex: Readonly<Record<string, string>> = { x64: '202', arm64: '98' };

/** The threads that wait for work. Call this while the server is idle. */
export async function diskThreads(pid: number): Promise<string[]> {
  const threads: string[] = [];
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const call = await readFile(`/proc/${pid}/task/${thread}/syscall`, 'utf8');
    if (thread !== String(pid) && call.split(' ')[0] === futex[process.arch]) threads.push(thread);
  }
  if (threads.length === 0) throw new Error('cannot find the threads that write to the disk');
  return threads;
}

export type Injection = 'error=EIO' | `delay_enter=${number}`;

export class Strace {
  readonly #process: RunningProcess;

  private constructor(running: RunningProcess) {
    this.#process = running;
  }

  /** Resolves when the injection is active. */
  static async attach(
    threads: readonly string[],
    injection: Injection,
    calls: 'fsync,fdatasync' | 'fsync,fdatasync,pwrite64' | 'write' = 'fsync,fdatasync',
  ): Promise<Strace> {
    const running = launch('strace', [
      ...['-e', `trace=${calls}`, '-e', `inject=${calls}:${injection}`],
      ...threads.flatMap((thread) => ['-p', thread]),
    ]);
    await waitUntil('strace is attached', () => {
      if (!running.running) throw new Error(`cannot trace: ${running.stderr}`);
      return running.stderr.split(' attached').length > threads.length;
    });
    return new Strace(running);
  }

  /** Detaches; resolves with the number of affected calls. */
  async detach(): Promise<number> {
    this.#process.signal('SIGINT');
    await this.#process.exited;
    return this.#process.stderr.match(/\((?:INJECTED|DELAYED)\)/g)?.length ?? 0;
  }
}
