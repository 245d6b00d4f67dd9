/**
 * Azure's resource logs of requests, JSON: Front Door, Application Gateway and App Service. `time` or
 * `timeStamp` (RFC 3339) is when the response was sent, the end. Front Door's `timeTaken` is in
 * seconds; that of the others is in seconds or ms, depending on the version, so it is not used.
 * Firewalls log a request once for each rule, without a status. Front Door's is 0 where the origin
 * did not answer in time.
 */
import { textBytes } from '../bytes.ts';
import type { LogFormat } from '../format.ts';
import type { PartNames } from '../request.ts';
import { jsonParser } from './json-log.ts';

const statusKeys = ['properties/httpStatusCode', 'properties/httpStatus', 'properties/ScStatus'];
const named: PartNames = {
  method: ['properties/httpMethod', 'properties/CsMethod'],
  target: ['properties/requestUri', 'properties/CsUriStem'],
  status: statusKeys,
  host: ['properties/originalHost', 'properties/host', 'properties/CsHost'],
  client: ['properties/clientIp', 'properties/clientIP', 'properties/CIp'],
  agent: ['properties/userAgent', 'properties/UserAgent'],
};
const timeKeys = ['time', 'timeStamp', 'timestamp'];
const keys = [...timeKeys, 'category', 'properties/timeTaken', ...statusKeys];
const indexesOf = (names: readonly string[]): readonly number[] =>
  names.map((name) => keys.indexOf(name));
const [times, statuses] = [indexesOf(timeKeys), indexesOf(statusKeys)];
const category = keys.indexOf('category');
const timeTaken = keys.indexOf('properties/timeTaken');
/** Its properties may be a text. */
const appService = textBytes('AppServiceHTTPLogs');
const frontDoors = ['FrontDoorAccessLog', 'FrontdoorAccessLog'].map(textBytes);

export const azure: LogFormat = {
  name: 'azure',
  title: 'Azure Front Door, Application Gateway or App Service, JSON',
  example:
    '{"category":"FrontDoorAccessLog","properties":{"httpMethod":"GET","httpStatusCode":"200","requestUri":"https://example.com/","timeTaken":"0.004"},"time":"2016-05-28T11:11:11.1234567Z"}',
  resolution: '100 ns',
  moment: 'end',
  parser: (options) =>
    jsonParser(keys, options, named, (line, stamp) => {
      const isFrontDoor = frontDoors.some((name) => line.is(category, name));
      const isAccess = isFrontDoor || line.is(category, appService);
      if (!isAccess && !statuses.some((key) => line.isStatus(key)))
        return 'no request of this format';
      if (!line.readFirstTime(times, stamp)) return 'no time that can be read';
      stamp.hasDuration = false;
      if (isFrontDoor) line.readDuration(timeTaken, stamp);
      return undefined;
    }),
};
