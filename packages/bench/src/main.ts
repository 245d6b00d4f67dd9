/**
 * `npm run bench`: measures reto3 beside other servers. Prints results to stdout as Markdown and
 * progress to stderr; a full run also writes docs/ and results/.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { install } from './install.ts';
import { full, quick } from './plan.ts';
import { markdownOf } from './report/markdown.ts';
import { lastReport, type Places, renderReport, writeReport } from './report/write.ts';
import { clusterSuite, productionSuite, run, type Suite, serverSuite, soakName } from './run.ts';

const usage = `usage: npm run bench [-- OPTIONS]

  (none)        run everything briefly, in about two minutes; the numbers scatter
  --full        run for docs/performance.md, about two hours; writes that page and its JSON
  --cluster     measure a cluster instead; --full then writes docs/scaling.md in about 20 minutes
  --production  measure in a Debian 13 with Node.js 24, as in the image (root); --full then writes
                docs/production.md
  --install     install missing Debian packages first (root)
  --only TEXT   run only the measurements whose name contains TEXT, such as "latency", and may be
                repeated; writes nothing unless --out is given, which replaces these measurements
                on the page
  --soak        run only ten minutes of the challenge load, to see whether memory stays flat
  --render      write the page and its charts again from the JSON, without measuring
  --out FOLDER  write the page, its JSON and charts there; your text around the results stays

Each measurement is written as soon as it is done, so an interrupted run keeps those before.
`;

const own: Places = {
  pages: fileURLToPath(new URL('../../../docs', import.meta.url)),
  results: fileURLToPath(new URL('../results', import.meta.url)),
};

/** The folders for `--out`; `--out docs` means the project's own docs/. */
function placesOf(out: string): Places {
  const folder = resolve(out);
  return folder === own.pages ? own : { pages: folder, results: folder };
}

function suiteOf(values: { readonly cluster: boolean; readonly production: boolean }): Suite {
  if (values.cluster) return clusterSuite;
  return values.production ? productionSuite : serverSuite;
}

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      cluster: { type: 'boolean', default: false },
      full: { type: 'boolean', default: false },
      install: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
      only: { type: 'string', multiple: true },
      production: { type: 'boolean', default: false },
      render: { type: 'boolean', default: false },
      soak: { type: 'boolean', default: false },
      out: { type: 'string' },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const suite = suiteOf(values);
  if (values.render) {
    await renderReport(suite.page, values.out === undefined ? own : placesOf(values.out));
    return;
  }
  if (values.install) await install(suite.missing());
  const missing = suite.missing();
  if (missing.length > 0)
    process.stderr.write(
      `bench: left out, because not installed: ${missing.join(', ')} (--install)\n`,
    );

  const plan = values.soak || values.full ? full : quick;
  const only = values.soak ? [soakName] : values.only;
  const deadline = setTimeout(() => {
    process.stderr.write(`bench: not done after ${plan.maxMinutes} minutes, giving up\n`);
    process.exit(1);
  }, plan.maxMinutes * 60_000);
  const usual = values.full && only === undefined ? own : undefined;
  const places = values.out === undefined ? usual : placesOf(values.out);
  const before = places && (await lastReport(suite.page, places.results));
  const report = await run(plan, suite, only, async (soFar) => {
    if (places !== undefined) await writeReport(soFar, suite.page, places, before);
  });
  clearTimeout(deadline);

  const inParts = only !== undefined;
  const page = inParts ? { ...suite.page, onlyMeasured: true } : suite.page;
  process.stdout.write(markdownOf(report, page, new Map()));
  if (places !== undefined)
    await writeReport(report, suite.page, places, inParts ? before : undefined);
  if (report.results.failures.length > 0) process.exitCode = 1;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const isMisuse = code.startsWith('ERR_PARSE_ARGS');
  process.stderr.write(`bench: ${isMisuse ? `${message.split('. ')[0]}; see --help` : message}\n`);
  process.exit(isMisuse ? 2 : 1);
}
