/**
 * Suricata's EVE JSON: events of type http. Alerts and files of the same request are events of their
 * own. `timestamp` (ISO 8601, µs) is that of the packet which completed the response, the end.
 */
import { textBytes } from '../bytes.ts';
import type { LogFormat } from '../format.ts';
import type { PartNames } from '../request.ts';
import { jsonParser } from './json-log.ts';

const named: PartNames = {
  method: ['http/http_method'],
  target: ['http/url'],
  status: ['http/status'],
  host: ['http/hostname'],
  client: ['src_ip'],
  agent: ['http/http_user_agent'],
};
const keys = ['timestamp', 'event_type'];
const [timestamp, eventType] = [0, 1] as const;
const http = textBytes('http');

export const suricata: LogFormat = {
  name: 'suricata',
  title: 'Suricata EVE, JSON',
  example:
    '{"timestamp":"2016-05-28T11:11:11.123456+0000","flow_id":1,"event_type":"http","src_ip":"192.0.2.7","dest_ip":"198.51.100.2","http":{"hostname":"example.com","url":"/","http_method":"GET","status":200}}',
  resolution: '1 µs',
  moment: 'end',
  parser: (options) =>
    jsonParser(keys, options, named, (line, stamp) => {
      if (!line.is(eventType, http)) return 'no request of this format';
      stamp.hasDuration = false;
      return line.readTime(timestamp, stamp) ? undefined : 'no time that can be read';
    }),
};
