/**
 * What load generators write besides a line for each request: recognised by how it begins, to say
 * what to run instead.
 */

interface OtherOutput {
  readonly what: string;
  readonly hint: string;
}

interface Sign extends OtherOutput {
  readonly begins: RegExp;
}

const reportOf = (program: string): string =>
  `a report of ${program}, which has no line with the time of each request`;
const countArrivals =
  'count the requests where they arrive: send them to reto3 serve, or read the log of the server';

const signs: readonly Sign[] = [
  {
    what: reportOf('wrk or autocannon'),
    begins: /^Running \S+ test @ /,
    hint: countArrivals,
  },
  { what: reportOf('bombardier'), begins: /^Bombarding /, hint: countArrivals },
  { what: reportOf('httperf'), begins: /^httperf /, hint: countArrivals },
  {
    what: reportOf('siege'),
    begins: /^\*\* SIEGE|^Date & Time,|^\{\s*"transactions":/,
    hint: countArrivals,
  },
  { what: reportOf('Artillery'), begins: /^\{\s*"aggregate":/, hint: countArrivals },
  {
    what: reportOf('ab'),
    begins: /^This is ApacheBench|^Percentage served,/,
    hint: 'run ab -g FILE, which has the second of each request',
  },
  {
    what: reportOf('h2load'),
    begins: /^starting benchmark\.\.\./,
    hint: 'run h2load --log-file=FILE',
  },
  {
    what: reportOf('k6'),
    begins: /^\{\s*"(?:root_group|metrics)":|\bhttp_reqs\.{3}/,
    hint: 'run k6 run --out json=FILE',
  },
  {
    what: reportOf('vegeta'),
    begins: /^Requests\s+\[total, rate|^\{"latencies":\{/,
    hint: 'run vegeta encode --to csv on the results of the attack',
  },
  {
    what: 'the binary result of vegeta',
    begins: /Attack.{1,20}Seq.{1,20}Code.{1,20}Timestamp/s,
    hint: 'run vegeta encode --to csv RESULTS > FILE',
  },
  {
    what: reportOf('oha'),
    begins: /^\S*Summary:.*\n.*Success rate:|^\{\s*"summary":\s*\{\s*"successRate":/,
    hint: 'run oha --no-tui --output-format csv',
  },
  {
    what: 'an SQLite database',
    begins: /^SQLite format 3/,
    hint: 'with oha, run oha --no-tui --output-format csv instead of --db-url',
  },
  {
    what: reportOf('ghz'),
    begins:
      /^Summary:\s*\n\s+(?:Name|Count):|^duration \(ms\),status,error|^\{\s*"date":[^,]*,\s*"(?:name|endReason)":/,
    hint: 'run ghz -O influx-details',
  },
  { what: reportOf('hey'), begins: /^Summary:\s*\n\s+Total:/, hint: 'run hey -o csv' },
  {
    what: reportOf('an early hey'),
    begins: /^response-time,DNS\+dialup,(?![^\n]*offset)/,
    hint: 'run a later hey, whose CSV has a column offset',
  },
  {
    what: reportOf('Fortio'),
    begins: /^\{\s*"RunType":|^Fortio \S+ running at /,
    hint: 'run fortio load -access-log-file FILE',
  },
  {
    what: reportOf('Locust'),
    begins: /^"?(?:Type"?,"?Name|Method"?,"?Name|Timestamp"?,"?User Count|Count"?,"?Message)"?,/,
    hint: 'write a row for each request event, as in reto3 recipe locust',
  },
  {
    what: reportOf('JMeter'),
    begins: /^"?(?:Label|sampler_label)"?,/,
    hint: 'run jmeter -n -t PLAN -l FILE',
  },
  {
    what: 'a JTL of JMeter with times in another form, or with transactions only',
    begins: /^[^\n]*\btimeStamp\b[^\n]*\belapsed\b/,
    hint: 'set jmeter.save.saveservice.timestamp_format=ms, and clear Generate Parent Sample',
  },
  {
    what: reportOf('Gatling'),
    begins: /^(?:var stats = )?\{\s*"?type"?:\s*"GROUP"/,
    hint: 'name the simulation.log of the run',
  },
  {
    what: reportOf('Tsung'),
    begins: /^# stats: dump at |^\{\s*"stats":|^(?:NewClient|Send|Recv|load):/,
    hint: 'set dumptraffic="protocol", and name tsung.dump',
  },
];

const signBytes = 4_096;

/** @param first of the file */
export function otherOutputOf(first: Buffer): OtherOutput | undefined {
  const text = first.toString('latin1', 0, signBytes).trimStart();
  return signs.find(({ begins }) => begins.test(text));
}
