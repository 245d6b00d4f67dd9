/**
 * Gatling's simulation.log, text up to 3.12; gatling-text.ts turns later ones into it:
 *
 *     REQUEST <tab> [scenario <tab> user <tab>] groups <tab> name <tab> start <tab> end <tab> OK|KO …
 *
 * Start and end are ms since the epoch; the columns before them differ from version to version.
 */
import { startsWith, tab, textBytes } from '../bytes.ts';
import type { LogFormat } from '../format.ts';
import { Instant, unitDigits } from '../time/instant.ts';
import { Columns } from './columns.ts';

const request = textBytes('REQUEST\t');
const others = ['RUN', 'USER', 'GROUP', 'ERROR', 'ASSERTION'].map((name) => textBytes(`${name}\t`));
const stampDigits = 13;

export const gatling: LogFormat = {
  name: 'gatling',
  title: 'Gatling simulation.log',
  example: 'REQUEST\t\thome\t1464433871123\t1464433871138\tOK\t ',
  resolution: '1 ms',
  moment: 'start',
  parser() {
    const columns = new Columns(String.fromCharCode(tab), 'none');
    const end = new Instant();
    let name = 0;
    return {
      describe: (bytes, _from, _to, request) =>
        request.path.set(bytes, columns.from(name), columns.to(name)),
      parse(bytes, from, to, stamp) {
        if (!startsWith(bytes, from, to, request))
          return others.some((name) => startsWith(bytes, from, to, name))
            ? 'a header or comment'
            : 'no request of this format';
        const count = columns.split(bytes, from, to);
        for (let column = 1; column + 1 < count; column++) {
          const isPair = [column, column + 1].every(
            (each) => columns.to(each) - columns.from(each) === stampDigits,
          );
          if (!isPair) continue;
          const [first, second] = [column, column + 1];
          if (
            !stamp.time.readDecimal(bytes, columns.from(first), columns.to(first), unitDigits.ms) ||
            !end.readDecimal(bytes, columns.from(second), columns.to(second), unitDigits.ms)
          )
            continue;
          name = first - 1;
          stamp.hasDuration = stamp.duration.difference(end, stamp.time);
          return undefined;
        }
        return 'no time that can be read';
      },
    };
  },
};
