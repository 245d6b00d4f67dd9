import { StatsCommand, statsExamples } from '../../stats-command.ts';

export default class StatsMin extends StatsCommand {
  static override readonly summary = 'Print how many messages came in each minute';
  static override readonly description =
    'One line for each window, oldest first: its start (UTC), a comma, its count. Windows that are final only, zeros included; time that no server was counting has no lines.';
  static override readonly examples = statsExamples('min');
  protected readonly period = 'min';
}
