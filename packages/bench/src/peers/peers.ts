/** All peers, reto3 first and its yardstick second. */
import { bareUws } from './bare-uws.ts';
import { haproxy } from './haproxy.ts';
import { influxdb } from './influxdb.ts';
import { nginx, nginxLua } from './nginx.ts';
import { nodeHttp } from './node-http.ts';
import type { Peer } from './peer.ts';
import { reto3, reto3Node } from './reto3.ts';
import { victoriaMetrics } from './victoria-metrics.ts';
import { webdis } from './webdis.ts';

export const peers: readonly Peer[] = [
  reto3,
  bareUws,
  haproxy,
  nginx,
  nginxLua,
  webdis,
  reto3Node,
  nodeHttp,
  victoriaMetrics,
  influxdb,
];
