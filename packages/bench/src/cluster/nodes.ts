/** Runs many simulated nodes in a separate process. */
import { fileURLToPath } from 'node:url';
import { Program } from '../program.ts';
import { until } from '../questions.ts';

const script = fileURLToPath(new URL('./nodes.load.js', import.meta.url));
/** How long it may take to fill the stream: a million messages for a thousand nodes. */
const maxFillMs = 600_000;

/** The process's argument, as JSON. */
export interface NodesOptions {
  readonly urls: string;
  readonly nodes: number;
  /** Per node. */
  readonly messagesPerSecond: number;
  /** Start of the first second that the nodes count, epoch ms. */
  readonly from: number;
}

/** The process's last line of output, as JSON. The first one only says that the nodes are live. */
export interface NodesResult {
  /** The messages of all nodes, which the cluster must count. */
  readonly counted: number;
  /** How long the nodes published live, and what: messages and bytes. */
  readonly seconds: number;
  readonly messages: number;
  readonly bytes: number;
  /** Bytes of the replies to mergers. */
  readonly replyBytes: number;
  /** How late messages were sent to NATS, p99, ms. */
  readonly lateP99Ms: number;
}

export class RunningNodes {
  readonly #program: Program;

  private constructor(program: Program) {
    this.#program = program;
  }

  /** Resolves when the stream holds the past, and the nodes publish live and answer mergers. */
  static async start(options: NodesOptions): Promise<RunningNodes> {
    const args = [script, JSON.stringify(options)];
    const program = new Program(process.execPath, args, { cores: undefined });
    const running = new RunningNodes(program);
    try {
      await until(
        'live nodes',
        async () => {
          if (program.hasEnded) throw running.#failure();
          return program.stdout;
        },
        (stdout) => stdout !== '',
        { maxMs: maxFillMs },
      );
      return running;
    } catch (error) {
      await program.stop();
      throw error;
    }
  }

  /** Completes the open second and ends. @throws Error if the process failed */
  async stop(): Promise<NodesResult> {
    await this.#program.stop();
    const { code } = await this.#program.exited;
    if (code !== 0) throw this.#failure();
    return JSON.parse(this.#program.stdout.trim().split('\n').at(-1) ?? '');
  }

  #failure(): Error {
    return new Error(`cannot run the nodes: ${this.#program.errorOutput}`);
  }
}
