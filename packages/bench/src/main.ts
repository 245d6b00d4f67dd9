/**
 * `npm run bench`: measures reto3 beside other servers. Results go to stdout as Markdown, progress
 * to stderr; a full run is also written into docs/ and results/.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { install } from './install.ts';
import { full, quick } from './plan.ts';
import { markdownOf } from './report/markdown.ts';
import { type Places, writeReport } from './report/write.ts';
import { clusterSuite, run, serverSuite, soakName } from './run.ts';

const usage = `usage: npm run bench [-- OPTIONS]

  (none)        a quick run of about two minutes; its numbers scatter
  --full        the run of docs/performance.md, about an hour; writes that page and its JSON
  --cluster     what a cluster costs and takes; with --full writes docs/scaling.md, about six minutes
  --install     first install the Debian packages that are missing (root)
  --only TEXT   run only the measurements whose name contains that, such as "latency"; writes nothing, or
                with --out in the place of what the page has of them
  --soak        of the full run only ten minutes of the challenge's load, on reto3 and on its yardstick: is memory flat?
  --out FOLDER  write the page, its JSON and charts there; what the page says beside them stays
`;

const own: Places = {
  pages: fileURLToPath(new URL('../../../docs', import.meta.url)),
  results: fileURLToPath(new URL('../results', import.meta.url)),
};

/** Where `--out` leads; `--out docs` to the project's own places. */
function placesOf(out: string): Places {
  const folder = resolve(out);
  return folder === own.pages ? own : { pages: folder, results: folder };
}

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      cluster: { type: 'boolean', default: false },
      full: { type: 'boolean', default: false },
      install: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
      only: { type: 'string' },
      soak: { type: 'boolean', default: false },
      out: { type: 'string' },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const suite = values.cluster ? clusterSuite : serverSuite;
  if (values.install) await install(suite.missing());
  const missing = suite.missing();
  if (missing.length > 0)
    process.stderr.write(`bench: not installed, so left out: ${missing.join(', ')} (--install)\n`);

  const plan = values.soak || values.full ? full : quick;
  const only = values.soak ? soakName : values.only;
  const deadline = setTimeout(() => {
    process.stderr.write(`bench: not done after ${plan.mostMinutes} minutes, giving up\n`);
    process.exit(1);
  }, plan.mostMinutes * 60_000);
  const report = await run(plan, suite, only);
  clearTimeout(deadline);

  process.stdout.write(markdownOf(report, suite.page, new Map()));
  const usual = values.full && only === undefined ? own : undefined;
  const places = values.out === undefined ? usual : placesOf(values.out);
  if (places !== undefined) await writeReport(report, suite.page, places, only !== undefined);
  if (report.results.failures.length > 0) process.exitCode = 1;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
