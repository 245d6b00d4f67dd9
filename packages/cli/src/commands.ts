/**
 * The commands by name. A list and not a folder for oclif to search: what an older build left in
 * dist is then no command any more.
 */
import AuditCommand from './commands/audit.ts';
import Backup from './commands/backup.ts';
import Bursts from './commands/bursts.ts';
import ClusterCommand from './commands/cluster.ts';
import Completion from './commands/completion.ts';
import Doctor from './commands/doctor.ts';
import Export from './commands/export.ts';
import Formats from './commands/formats.ts';
import Health from './commands/health.ts';
import Query from './commands/query.ts';
import Replay from './commands/replay.ts';
import Report from './commands/report.ts';
import Reports from './commands/reports.ts';
import Restore from './commands/restore.ts';
import Serve from './commands/serve.ts';
import Stats from './commands/stats.ts';
import Top from './commands/top.ts';
import Version from './commands/version.ts';
import WhatIf from './commands/whatif.ts';

export const commands = {
  audit: AuditCommand,
  backup: Backup,
  bursts: Bursts,
  cluster: ClusterCommand,
  completion: Completion,
  doctor: Doctor,
  export: Export,
  formats: Formats,
  health: Health,
  query: Query,
  replay: Replay,
  report: Report,
  reports: Reports,
  restore: Restore,
  serve: Serve,
  stats: Stats,
  top: Top,
  version: Version,
  whatif: WhatIf,
};
