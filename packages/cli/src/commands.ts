/** The commands, sorted by name. Loading all of them takes longer than most of them run. */
import type { CommandTable } from './command.ts';

export const commands: CommandTable = {
  audit: () => import('./commands/audit.ts'),
  backup: () => import('./commands/backup.ts'),
  bursts: () => import('./commands/bursts.ts'),
  cluster: () => import('./commands/cluster.ts'),
  completion: () => import('./commands/completion.ts'),
  config: () => import('./commands/config.ts'),
  doctor: () => import('./commands/doctor.ts'),
  export: () => import('./commands/export.ts'),
  formats: () => import('./commands/formats.ts'),
  health: () => import('./commands/health.ts'),
  import: () => import('./commands/import.ts'),
  query: () => import('./commands/query.ts'),
  recipe: () => import('./commands/recipe.ts'),
  replay: () => import('./commands/replay.ts'),
  report: () => import('./commands/report.ts'),
  reports: () => import('./commands/reports.ts'),
  restore: () => import('./commands/restore.ts'),
  serve: () => import('./commands/serve.ts'),
  stats: () => import('./commands/stats.ts'),
  top: () => import('./commands/top.ts'),
  version: () => import('./commands/version.ts'),
  view: () => import('./commands/view.ts'),
  whatif: () => import('./commands/whatif.ts'),
};
