/**
 * ghz, `-O influx-details`: a line for each call, in the line protocol of InfluxDB.
 *
 *     ghz_detail,tags latency=ns,error="…",status="OK" end      ns since the epoch
 *
 * Blanks in tags and texts are escaped. ghz keeps at most the first 1,000,000 calls.
 */
import { comma, indexBehind, indexOf, quote, space, startsWith, textBytes } from '../bytes.ts';
import type { LogFormat } from '../format.ts';
import { unitDigits } from '../time/instant.ts';

const measurement = textBytes('ghz_detail,');
const latencyField = textBytes(' latency=');
const callTag = textBytes(',call="');

export const ghz: LogFormat = {
  name: 'ghz',
  title: 'ghz, -O influx-details',
  example:
    'ghz_detail,call="shop.Cart.Add",host="127.0.0.1:50051",n=200,hasError=false latency=3870000,error="",status="OK" 1464433871123456789',
  resolution: '1 ns',
  moment: 'end',
  parser: () => ({
    describe(bytes, from, to, request) {
      const call = indexBehind(bytes, callTag, from, to);
      if (call !== -1) request.setTarget(bytes, call, indexOf(bytes, quote, call, to));
    },
    parse(bytes, from, to, stamp) {
      if (!startsWith(bytes, from, to, measurement)) return 'no request of this format';
      const latency = indexBehind(bytes, latencyField, from, to);
      const end = latency === -1 ? -1 : indexOf(bytes, comma, latency, to);
      if (end === -1 || !stamp.duration.readDecimal(bytes, latency, end, unitDigits.ns))
        return 'no request of this format';
      stamp.hasDuration = true;
      let time = to;
      while (time > end && bytes[time - 1] !== space) time--;
      return stamp.time.readDecimal(bytes, time, to, unitDigits.ns)
        ? undefined
        : 'no time that can be read';
    },
  }),
};
