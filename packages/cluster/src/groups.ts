/**
 * The groups of nodes that a merger adds up: usually one, or several whose streams are the sources of
 * the merger's. A group is known by the prefix of its nodes' subjects. Nodes are known by name alone,
 * so a name belongs to one group: that of the newest boot under it.
 */
import { BadMessage } from './message.ts';

export interface Group {
  readonly stream: string;
  /** The JetStream domain of its stream; undefined: that of the merger's NATS server. */
  readonly domain?: string | undefined;
  /** The prefix of its nodes' subjects. */
  readonly subjects: string;
}

export class Groups {
  readonly #subjects: readonly [string, ...string[]];
  readonly #ofNode = new Map<string, string>();

  constructor(subjects: readonly [string, ...string[]]) {
    this.#subjects = subjects;
  }

  /** The group of a subject. If it is in none, the first one, and the decoder rejects the message. */
  ofSubject(subject: string): string {
    const prefix = subject.slice(0, Math.max(0, subject.lastIndexOf('.')));
    return this.#subjects.includes(prefix) ? prefix : this.#subjects[0];
  }

  /** Undefined if there are several, and no message of the node came yet. */
  ofNode(node: string): string | undefined {
    return this.#subjects.length === 1 ? this.#subjects[0] : this.#ofNode.get(node);
  }

  /**
   * A message of a node came in a group.
   * @param newestBoot of the node so far; 0: none
   * @throws BadMessage if the name belongs to a node of another group
   */
  hear(node: string, group: string, boot: number, newestBoot: number): void {
    const own = this.#ofNode.get(node);
    if (own !== undefined && own !== group && boot < newestBoot)
      throw new BadMessage(`a node in ${own} has its name: names must be unique over all groups`);
    if (boot >= newestBoot && newestBoot > 0) this.#ofNode.set(node, group);
  }
}
