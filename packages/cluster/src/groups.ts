/**
 * The groups of nodes that a merger adds up, by what the subjects of their nodes begin with: one, or
 * several whose streams are the sources of the merger's. A node is told by its name alone, so a name
 * belongs to one group: the one that the newest boot under it came from.
 */
import { BadMessage } from './message.ts';

export interface Group {
  readonly stream: string;
  /** The JetStream domain of its stream; undefined: that of the NATS server that is asked. */
  readonly domain?: string | undefined;
  /** What the subjects of its nodes begin with. */
  readonly subjects: string;
}

export class Groups {
  readonly #subjects: readonly [string, ...string[]];
  readonly #ofNode = new Map<string, string>();

  constructor(subjects: readonly [string, ...string[]]) {
    this.#subjects = subjects;
  }

  /** Of a message. Where it is of none, of the first: the decoder refuses it. */
  ofSubject(subject: string): string {
    const own = subject.slice(0, Math.max(0, subject.lastIndexOf('.')));
    return this.#subjects.includes(own) ? own : this.#subjects[0];
  }

  /** Undefined where there are several, and none has said anything of the node. */
  ofNode(node: string): string | undefined {
    return this.#subjects.length === 1 ? this.#subjects[0] : this.#ofNode.get(node);
  }

  /**
   * A message of a group says it is of that node.
   * @param newestBoot that the node was heard of with, 0: it never was
   * @throws BadMessage where the name belongs to a node of another group
   */
  hear(node: string, group: string, boot: number, newestBoot: number): void {
    const own = this.#ofNode.get(node);
    if (own !== undefined && own !== group && boot < newestBoot)
      throw new BadMessage(`a node in ${own} has its name: names must be unique over all groups`);
    if (boot >= newestBoot && newestBoot > 0) this.#ofNode.set(node, group);
  }
}
