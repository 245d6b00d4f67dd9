/**
 * Made requests whose times are known. What they ask for is as varied as in the logs of public
 * servers: browsers, crawlers and programs, few paths often and many seldom.
 */
import { Random } from '@reto3/core/testing';

export interface MadeRequest {
  /** Epoch ms, and ns beyond them. */
  readonly startMs: number;
  readonly startNs: number;
  readonly durationMs: number;
  readonly durationNs: number;
  readonly client: string;
  readonly port: number;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  /** Path and query. */
  readonly target: string;
  readonly status: number;
  readonly bytes: number;
  readonly referer: string;
  readonly agent: string;
}

export const firstMs = Date.parse('2016-05-28T11:00:00Z');
export const nsPerMs = 1_000_000;

const agents = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15',
  'Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148',
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  'Go-http-client/1.1',
  'curl/7.88.1',
  '-',
];
const hosts = ['www.example.com', 'api.example.com', 'shop.example.org', '198.51.100.7'];
const pages = ['/', '/about', '/login', '/index.php/contact/', '/blog/2016/05/counting-requests/'];
const assets = ['app.3f9a1c.js', 'main.css', 'logo.svg', 'hero-1280.webp', 'fonts/inter.woff2'];
const statuses = [...Array<number>(16).fill(200), 304, 304, 302, 404, 499, 500];

/** Requests of about 3,000/s, in the order of their ends, as most programs write them. */
export function madeRequests(count: number, seed: number): MadeRequest[] {
  const random = new Random(seed);
  const clients = Array.from({ length: 2_000 }, () => clientOf(random));
  let ms = firstMs;
  const requests = Array.from({ length: count }, (): MadeRequest => {
    // Now and then a second without a request.
    ms += random.chance(0.000_02) ? 1_000 : random.below(3) === 0 ? 1 : 0;
    const durationMs = random.below(random.chance(0.05) ? 3_000 : 20);
    const [startNs, durationNs] = [random.below(nsPerMs), random.below(nsPerMs)];
    const [path, query] = targetOf(random);
    return {
      ...{ startMs: ms, startNs, durationMs, durationNs },
      client: clients[Math.floor(clients.length * random.next() ** 3)] ?? '',
      port: random.between(1_024, 65_535),
      method: random.chance(0.1) ? random.pick(['POST', 'PUT', 'HEAD', 'DELETE']) : 'GET',
      host: hosts[Math.floor(hosts.length * random.next() ** 2)] ?? '',
      ...{ path, target: query === '' ? path : `${path}?${query}` },
      status: random.pick(statuses),
      bytes: random.below(random.chance(0.3) ? 200_000 : 2_000),
      referer: random.chance(0.5) ? '-' : `https://${random.pick(hosts)}${random.pick(pages)}`,
      agent: agents[Math.floor(agents.length * random.next() ** 2)] ?? '',
    };
  });
  return requests.sort((a, b) => a.startMs + a.durationMs - b.startMs - b.durationMs);
}

function clientOf(random: Random): string {
  if (random.chance(0.1))
    return `2001:db8:${random.below(65_536).toString(16)}::${random.below(99)}`;
  return `203.0.${random.below(256)}.${random.below(256)}`;
}

function targetOf(random: Random): [path: string, query: string] {
  switch (random.below(5)) {
    case 0:
      return [
        random.pick(pages),
        random.chance(0.2) ? `utm_source=mail&id=${random.below(900)}` : '',
      ];
    case 1:
      return [`/static/${random.pick(assets)}`, ''];
    case 2:
      return ['/search', `q=%22${random.below(3_000)}%22&page=${random.below(9)}`];
    default:
      return [`/api/v1/items/${Math.floor(50_000 * random.next() ** 3)}`, ''];
  }
}
