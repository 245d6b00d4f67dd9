/** Reads counts with the command line inside a container. */
import { waitUntil } from '../support/wait.ts';
import { docker } from './compose.ts';

const periods = ['ms10', 'sec', 'min'] as const;

/** The sum of the counts of the last hour, open windows included. */
export async function total(
  container: string,
  period: string,
  ...flags: string[]
): Promise<number> {
  const args = ['reto3', 'stats', period, '--from', '1h', '--open', ...flags];
  const lines = (await docker('exec', container, ...args)).split('\n');
  return lines.reduce((sum, line) => sum + Number(line.split(', ')[1]), 0);
}

/** Waits until the cluster has exactly so many messages, in all periods. */
export async function expectCluster(merger: string, messages: number): Promise<void> {
  for (const period of periods) {
    let got = 0;
    await waitUntil('the cluster has all', async () => {
      got = await total(merger, period, '--cluster');
      return got === messages;
    }).catch((cause: unknown) => {
      throw new Error(`got ${got} messages in ${period}, want ${messages}`, { cause });
    });
  }
}

interface ClusterState {
  readonly nodes: readonly { readonly name: string; readonly state: string }[];
}

/** The number of live nodes that `reto3 cluster` shows in the merger; 0 until it knows one. */
export async function liveNodes(merger: string): Promise<number> {
  const said = docker('exec', merger, 'reto3', 'cluster', '--json');
  const { nodes }: ClusterState = await said.then(JSON.parse, () => ({ nodes: [] }));
  return nodes.filter(({ state }) => state === 'live').length;
}
