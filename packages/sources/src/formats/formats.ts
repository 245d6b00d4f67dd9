/** All formats; where two fit equally, detection prefers the first. */
import type { LogFormat } from '../format.ts';
import { access } from './access.ts';
import { apache } from './apache.ts';
import { awsJson } from './aws-json.ts';
import { azure } from './azure.ts';
import { caddy } from './caddy.ts';
import { cloudflare, cloudflareStart } from './cloudflare.ts';
import { combined } from './combined.ts';
import { envoy } from './envoy.ts';
import { envoyJson } from './envoy-json.ts';
import { fortio } from './fortio.ts';
import { gatling } from './gatling.ts';
import { gcp } from './gcp.ts';
import { ghz } from './ghz.ts';
import { h2load } from './h2load.ts';
import { haproxy } from './haproxy.ts';
import { jmeterXml } from './jmeter-xml.ts';
import { k6 } from './k6.ts';
import { alb, elb } from './load-balancer.ts';
import { ab, hey, jmeter, k6Csv, locust, oha, tsung, tsungCsv } from './load-generators.ts';
import { heroku, logfmt } from './logfmt.ts';
import { ltsv } from './ltsv.ts';
import { nginx } from './nginx.ts';
import { nginxJson } from './nginx-json.ts';
import { nginxProxyManager } from './nginx-proxy-manager.ts';
import { otlp } from './otlp.ts';
import { phout } from './phout.ts';
import { pino } from './pino.ts';
import { rails } from './rails.ts';
import { s3 } from './s3.ts';
import { squid } from './squid.ts';
import { suricata } from './suricata.ts';
import { traefik } from './traefik.ts';
import { traefikClf } from './traefik-clf.ts';
import { uwsgi } from './uwsgi.ts';
import { vegeta, vegetaCsv } from './vegeta.ts';
import { cloudfront, iis } from './w3c.ts';
import { zeek, zeekJson } from './zeek.ts';

export const formats: readonly LogFormat[] = [
  traefikClf,
  combined,
  squid,
  nginx,
  nginxProxyManager,
  envoy,
  apache,
  haproxy,
  envoyJson,
  traefik,
  caddy,
  alb,
  elb,
  cloudfront,
  s3,
  cloudflare,
  cloudflareStart,
  gcp,
  awsJson,
  azure,
  iis,
  uwsgi,
  ltsv,
  pino,
  zeek,
  zeekJson,
  suricata,
  heroku,
  k6,
  k6Csv,
  vegeta,
  vegetaCsv,
  jmeter,
  jmeterXml,
  gatling,
  locust,
  hey,
  oha,
  tsung,
  tsungCsv,
  ab,
  h2load,
  phout,
  fortio,
  ghz,
  otlp,
  nginxJson,
  logfmt,
  rails,
  access,
];
