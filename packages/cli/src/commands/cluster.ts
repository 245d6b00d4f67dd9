import { Command, Flags } from '@oclif/core';
import { ask } from '@reto3/client';
import { askRepublish, clusterLines } from '../cluster.ts';
import { apiFlags, apiOptionsOf } from '../flags.ts';
import { oclifFlags } from '../oclif-flags.ts';

const flags = {
  json: Flags.boolean({ description: 'print all that the server says, as JSON' }),
  republish: Flags.boolean({
    description: 'have all nodes publish again all that they hold; changes no count that is right',
  }),
  ...oclifFlags(apiFlags),
};

export default class ClusterCommand extends Command {
  static override readonly summary = 'List the nodes of the cluster';
  static override readonly description =
    'One line for each node: whether it is live, silent (the cluster does not wait for it) or has left; its rate and its share over ten seconds; how far it lags; what its clock differs by; its start and its newest write. Asks a server that adds up the cluster.';
  static override readonly flags = flags;
  static override readonly examples = [
    '<%= config.bin %> cluster',
    '<%= config.bin %> cluster --json --url http://10.0.0.1:8081',
    {
      description: 'Repair whatever the merger lacks',
      command: '<%= config.bin %> cluster --republish',
    },
  ];

  async run(): Promise<void> {
    const { flags: given } = await this.parse({ flags });
    const api = apiOptionsOf(given);
    if (given.republish) return askRepublish(api);
    const cluster = await ask(api, '/v1/cluster');
    if (given.json) this.log(JSON.stringify(cluster));
    else for (const line of clusterLines(cluster)) this.log(line);
  }
}
