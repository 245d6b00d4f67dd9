import { describe, expect, it } from 'vitest';
import { formats } from './formats/formats.ts';
import { RequestFieldsReader } from './request-fields.ts';

/** Of formats whose lines name no path, or whose example needs a header. */
const withoutPath = [
  'envoy-json',
  'k6',
  'cloudfront',
  'iis',
  'zeek',
  'gatling',
  'hey',
  'oha',
  'otlp',
];

describe.each(formats.filter(({ name }) => !withoutPath.includes(name)))('$name', (format) => {
  it('says a path in its example', () => {
    const reader = new RequestFieldsReader();
    for (const line of headers[format.name] ?? []) reader.takeHeader(line);
    expect(reader.read(format.example).path, format.example).toMatch(/^\/|^[a-z]/i);
  });
});

const headers: Readonly<Record<string, readonly string[]>> = {
  jmeter: ['timeStamp,elapsed,label,responseCode,responseMessage,threadName,success,bytes,Latency'],
  locust: ['start_time,request_type,name,response_time,response_length,exception'],
};

it.each([
  [
    '192.0.2.7 - - [28/May/2016:11:11:11 +0000] "GET /a?b=1 HTTP/1.1" 404 612 "-" "curl/8.5.0"',
    { method: 'GET', path: '/a', status: '404', client: '192.0.2.7' },
  ],
  [
    '10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /index.html HTTP/1.1"',
    { method: 'GET', path: '/index.html', status: '200', client: '10.0.1.2' },
  ],
  [
    'http 2016-05-28T11:11:11.123456Z app/web/50dc6c495c0c9188 192.0.2.7:2817 198.51.100.2:80 0.000 0.001 0.000 200 200 34 612 "GET http://example.com:80/x HTTP/1.1" "curl/8.5.0" - -',
    { method: 'GET', path: '/x', status: '200', host: 'example.com:80', client: '192.0.2.7' },
  ],
  [
    '{"ts":1693840791.7564995,"request":{"remote_ip":"192.0.2.7","method":"GET","host":"Shop.example","uri":"/a?b"},"status":200}',
    { method: 'GET', path: '/a', status: '200', host: 'shop.example', client: '192.0.2.7' },
  ],
  [
    '{"msec":"1464433871.123","request":"GET /a HTTP/1.1","status":"200"}',
    { method: 'GET', path: '/a', status: '200' },
  ],
  [
    '1286286308.779    180 192.168.0.224 TCP_MISS/200 411 GET http://example.com/a - HIER_DIRECT/198.51.100.2 text/html',
    { method: 'GET', path: '/a', status: '200', host: 'example.com', client: '192.168.0.224' },
  ],
  [
    '1398962662.309014;<0.94.0>;1;get;example.com;/;200;13118;238.420;-;;;',
    { method: 'GET', path: '/', status: '200', host: 'example.com' },
  ],
  [
    '1464433871123456789,200,3870000,0,612,,aGVsbG8=,,0,GET,http://example.com/,',
    { method: 'GET', path: '/', status: '200', host: 'example.com' },
  ],
  ['{"uri":"/cut', {}],
  ['nothing of that kind', {}],
])('%s', (line, fields) => {
  const read = new RequestFieldsReader().read(line);
  expect(JSON.parse(JSON.stringify(read))).toEqual(fields);
});

it('reads the columns that a header names', () => {
  const reader = new RequestFieldsReader();
  reader.takeHeader('#Software: Microsoft Internet Information Services 10.0');
  reader.takeHeader('#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query c-ip sc-status');
  expect(reader.read('2016-05-28 11:11:10 198.51.100.2 GET /a - 192.0.2.7 200')).toEqual({
    ...{ method: 'GET', path: '/a', status: '200', client: '192.0.2.7', host: undefined },
  });
});
