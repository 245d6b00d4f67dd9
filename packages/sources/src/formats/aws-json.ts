/**
 * AWS API Gateway and WAF, JSON: when the request came, the start.
 *
 *     API Gateway  requestTimeEpoch (ms), else requestTime (NCSA's date), with httpMethod or status
 *     WAF          timestamp (ms), with webaclId and httpRequest
 *
 * API Gateway's keys are up to the access log format; these are those of its examples.
 */
import type { LogFormat } from '../format.ts';
import type { PartNames } from '../request.ts';
import { unitDigits } from '../time/instant.ts';
import { jsonParser } from './json-log.ts';

const named: PartNames = {
  method: ['httpMethod', 'httpRequest/httpMethod'],
  target: ['path', 'resourcePath', 'httpRequest/uri'],
  status: ['status'],
  host: ['domainName'],
  client: ['ip', 'sourceIp', 'httpRequest/clientIp'],
  agent: ['userAgent'],
};
const keys = [
  ...['requestTimeEpoch', 'requestTime', 'timestamp', 'httpMethod', 'status', 'webaclId'],
  ...['httpRequest/httpMethod', 'responseLatency'],
];
const [epoch, clf, timestamp, method] = [0, 1, 2, 3] as const;
const [status, webAcl, wafMethod, latency] = [4, 5, 6, 7] as const;

export const awsJson: LogFormat = {
  name: 'aws-json',
  title: 'AWS API Gateway or WAF, JSON',
  example:
    '{"requestId":"cc21d9b0","ip":"192.0.2.7","requestTime":"28/May/2016:11:11:11 +0000","httpMethod":"GET","resourcePath":"/","status":"200"}',
  resolution: '1 ms, or 1 s with requestTime',
  moment: 'start',
  parser: (options) =>
    jsonParser(keys, options, named, (line, stamp) => {
      const isWaf = line.has(webAcl) && line.has(wafMethod);
      const isGateway =
        (line.has(epoch) || line.has(clf)) && (line.has(method) || line.isStatus(status));
      if (!isWaf && !isGateway) return 'no request of this format';
      const isTime = isWaf
        ? line.readTime(timestamp, stamp)
        : line.readTime(epoch, stamp) || line.readTime(clf, stamp);
      if (!isTime) return 'no time that can be read';
      line.readDuration(latency, stamp, unitDigits.ms);
      return undefined;
    }),
};
