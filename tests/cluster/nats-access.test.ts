/**
 * Access control of NATS: password, token, credentials file, TLS and client certificate. A server
 * with wrong credentials reports it, continues counting, and publishes later.
 */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { connect, nkeys } from '@nats-io/transport-node';
import { freePort } from '@reto3/bench/src/free-port.ts';
import { leaseMs } from '@reto3/cluster/src/nats.ts';
import { expect } from 'vitest';
import { ask } from '../support/api.ts';
import { certificate } from '../support/certificate.ts';
import { messagesInCluster, startNode } from '../support/cluster.ts';
import { temporaryFolder } from '../support/folder.ts';
import { send } from '../support/load.ts';
import { launch, type RunningProcess } from '../support/processes.ts';
import { requires } from '../support/requirement.ts';
import type { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';

const withNats = requires('nats-server');
/** openssl also makes certificates for this host. */
const hour = 3_600_000;

/** A NATS server whose configuration ends with these lines. */
class GuardedNats {
  readonly urls: string;
  readonly #config: string;
  readonly #common: string;
  readonly #running: RunningProcess;

  private constructor(url: string, config: string, common: string) {
    this.urls = url;
    this.#config = config;
    this.#common = common;
    this.#running = launch('nats-server', ['-c', config]);
  }

  static async start(lines: string): Promise<GuardedNats> {
    const folder = await temporaryFolder();
    const port = await freePort();
    const common = `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${folder}" }\n`;
    const config = join(folder, 'nats.conf');
    await writeFile(config, common + lines);
    const nats = new GuardedNats(`nats://127.0.0.1:${port}`, config, common);
    await waitUntil('NATS is ready', () => {
      if (!nats.#running.running) throw new Error(`cannot start NATS: ${nats.#running.stderr}`);
      return nats.#running.stderr.includes('Server is ready');
    });
    return nats;
  }

  /** Replaces these lines without a restart, as an administrator would. */
  async reload(lines: string): Promise<void> {
    await writeFile(this.#config, this.#common + lines);
    this.#running.signal('SIGHUP');
    await waitUntil('NATS has other rules', () => this.#running.stderr.includes('Reloaded'));
  }
}

async function secretFile(text: string): Promise<string> {
  const file = join(await temporaryFolder(), 'secret');
  await writeFile(file, `${text}\n`, { mode: 0o600 });
  return file;
}

function start(nats: GuardedNats, ...flags: string[]): Promise<Server> {
  return startNode({ nats, name: 'a', role: 'both', flags });
}

/** Asserts that the node publishes and adds up. */
async function expectIn(node: Server, messages = 0): Promise<void> {
  const from = Date.now() - hour;
  const wanted = messages + (await send(node, 100));
  await waitUntil('the cluster has what was counted', async () => {
    return (await messagesInCluster(node, from).catch(() => 0)) === wanted;
  });
  expect(await ask(node.adminUrl, '/v1/cluster')).not.toHaveProperty('problem');
}

/**
 * Asserts that the node says why NATS refuses it, logs that once with the cure, and continues
 * counting.
 */
async function expectOut(node: Server, reason: RegExp, cure: string): Promise<void> {
  let said = '';
  await waitUntil('it says why NATS does not take it', async () => {
    ({ problem: said = '' } = await ask(node.adminUrl, '/v1/cluster'));
    return reason.test(said);
  });
  expect(said).toContain(cure);
  expect(await send(node, 100)).toBe(100);
  expect(await ask(node.adminUrl, '/readyz')).toEqual({ status: 'ok' });
  expect(node.stderr.split('\n').filter((line) => line.includes(cure))).toHaveLength(1);
}

const refused = /^NATS does not let this server in \(Authorization Violation\): /i;

/** Exactly the permissions that docs/cluster.md asks for. */
const needed = [
  ...['reto3.windows.>', '$JS.API.>', '$JS.ACK.>'],
  ...['$KV.RETO3_WINDOWS_NODES.>', '$KV.RETO3_WINDOWS_RECORDS.>'],
];

const heard = ['_INBOX.>', 'reto3.windows.open.*', 'reto3.windows.read.*'];

function users(password: string, publish = needed, subscribe = heard): string {
  const permissions = `{
    publish: ${JSON.stringify(publish)},
    subscribe: ${JSON.stringify(subscribe)}
    allow_responses: true
  }`;
  return `authorization { users: [{ user: ours, password: "${password}", permissions: ${permissions} }] }`;
}

withNats('a user with a password file; a wrong password is fixed without a restart', async () => {
  const nats = await GuardedNats.start(users('right'));
  const flags = async (password: string) => [
    ...['--nats-user', 'ours', '--nats-password-file', await secretFile(password)],
  ];
  await expectIn(await start(nats, ...(await flags('right'))));

  const other = await GuardedNats.start(users('right'));
  const node = await start(other, ...(await flags('second-secret')));
  await expectOut(node, refused, '--nats-password-file');
  expect(node.stderr).not.toContain('second-secret');
  await other.reload(users('second-secret'));
  await expectIn(node, 100);
  // Revoke access while the node is connected.
  await other.reload(users('third-secret'));
  await waitUntil('it says why it is out again', async () => {
    return refused.test((await ask(node.adminUrl, '/v1/cluster')).problem ?? '');
  });
});

withNats('a token in a file', async () => {
  const nats = await GuardedNats.start('authorization { token: "opensesame" }');
  await expectIn(await start(nats, '--nats-token-file', await secretFile('opensesame')));
  await expectOut(
    await start(nats, '--nats-token-file', await secretFile('barley')),
    refused,
    '--nats-token-file',
  );
  await expectOut(await start(nats), refused, '--nats-creds');
});

/** Signs claims as NATS's tools do. */
function jwt(issuer: nkeys.KeyPair, subject: nkeys.KeyPair, type: string, claims: object): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const body = {
    jti: subject.getPublicKey(),
    iat: Math.floor(Date.now() / 1_000),
    iss: issuer.getPublicKey(),
    name: type,
    sub: subject.getPublicKey(),
    nats: { type, version: 2, ...claims },
  };
  const text = `${encode({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encode(body)}`;
  return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString('base64url')}`;
}

withNats('a credentials file', async () => {
  const operator = nkeys.createOperator();
  const [system, account] = [nkeys.createAccount(), nkeys.createAccount()];
  const none = { subs: -1, data: -1, payload: -1 };
  const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const most = { imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
  const limits = { ...none, ...storage, ...most };
  const nats = await GuardedNats.start(
    [
      `operator: ${jwt(operator, operator, 'operator', {})}`,
      `system_account: ${system.getPublicKey()}`,
      'resolver: MEMORY',
      'resolver_preload: {',
      `  ${system.getPublicKey()}: ${jwt(operator, system, 'account', { limits: { ...none, ...most } })}`,
      `  ${account.getPublicKey()}: ${jwt(operator, account, 'account', { limits })}`,
      '}',
    ].join('\n'),
  );
  const credentials = async (issuer: nkeys.KeyPair): Promise<string> => {
    const user = nkeys.createUser();
    const seed = Buffer.from(user.getSeed()).toString();
    return secretFile(
      [
        '-----BEGIN NATS USER JWT-----',
        jwt(issuer, user, 'user', { pub: {}, sub: {}, ...none }),
        '------END NATS USER JWT------',
        '',
        '-----BEGIN USER NKEY SEED-----',
        seed,
        '------END USER NKEY SEED------',
      ].join('\n'),
    );
  };
  await expectIn(await start(nats, '--nats-creds', await credentials(account)));
  const strange = await credentials(nkeys.createAccount());
  await expectOut(await start(nats, '--nats-creds', strange), refused, '--nats-creds');
});

withNats('TLS, with certificates on both sides', async () => {
  const [server, client, strange] = await Promise.all(['nats', 'node', 'strange'].map(certificate));
  if (!server || !client || !strange) throw new Error('BUG: three certificates');
  const files = `cert_file: "${server.cert}", key_file: "${server.key}"`;
  const nats = await GuardedNats.start(
    `tls { ${files}, ca_file: "${client.cert}", verify: true, timeout: 5 }`,
  );
  const flags = (cert: string, key: string) => ['--nats-cert', cert, '--nats-key', key];
  const checked = ['--nats-ca', server.cert];
  await expectIn(await start(nats, ...checked, ...flags(client.cert, client.key)));
  const noTls = /^no TLS with NATS \(/;
  const unknown = ['--nats-ca', strange.cert, ...flags(client.cert, client.key)];
  await expectOut(await start(nats, ...unknown), noTls, '--nats-ca');
  const impostor = [...checked, ...flags(strange.cert, strange.key)];
  const silent = /^cannot connect to NATS: timeout; if NATS requires a certificate/;
  await Promise.all(
    [impostor, checked].map(async (flags) =>
      expectOut(await start(nats, ...flags), silent, '--nats-cert'),
    ),
  );

  const plain = await GuardedNats.start('');
  await expectOut(await start(plain, ...checked), noTls, '--nats-ca');
});

withNats('continues publishing if it can no longer renew its name', async () => {
  const nats = await GuardedNats.start(users('right'));
  const password = await secretFile('right');
  const node = await start(nats, '--nats-user', 'ours', '--nats-password-file', password);
  await expectIn(node);
  // A request to a JetStream group without a leader stays unanswered, too.
  await nats.reload(
    users(
      'right',
      needed.filter((subject) => !subject.includes('_NODES')),
    ),
  );
  await setTimeout(leaseMs + 3_000);
  const from = Date.now() - hour;
  const wanted = 100 + (await send(node, 100));
  await waitUntil('the cluster has what was counted since', async () => {
    return (await messagesInCluster(node, from).catch(() => 0)) === wanted;
  });
});

withNats('works with the permissions of 0.1.0, and names what is missing', async () => {
  const nats = await GuardedNats.start(
    users('right', needed, ['_INBOX.>', 'reto3.windows.requests.new']),
  );
  const password = await secretFile('right');
  const node = await start(nats, '--nats-user', 'ours', '--nats-password-file', password);
  const from = Date.now() - hour;
  const wanted = await send(node, 100);
  await waitUntil('the cluster has what was counted', async () => {
    return (await messagesInCluster(node, from).catch(() => 0)) === wanted;
  });
  const { problem } = await ask(node.adminUrl, '/v1/cluster');
  expect(problem).toMatch(
    /^NATS does not let this server subscribe to reto3\.windows\.(open|read)/,
  );
});

/**
 * The exact example of docs/cluster.md, plus a second node made from the first as the page
 * explains.
 */
function ownSubjects(): string {
  const text = readFileSync(join(import.meta.dirname, '../../docs/cluster.md'), 'utf8');
  const [, example = ''] = /```\n(authorization \{.*?\n\})\n```/s.exec(text) ?? [];
  const [first = ''] = /^ {4}\{ user: web-1,.*?^ {4}\} \}\n/ms.exec(example) ?? [];
  return example
    .replace(first, first + first.replaceAll('web-1', 'web-2'))
    .replaceAll(/password: "[^"]*"/g, 'password: "right"');
}

withNats('each node may publish only under its own name, and the cluster adds up', async () => {
  const nats = await GuardedNats.start(ownSubjects());
  const password = await secretFile('right');
  const as = (user: string): string[] => ['--nats-user', user, '--nats-password-file', password];
  const merger = await startNode({ nats, name: 'sum-1', role: 'merge', flags: as('sum-1') });
  const dataDir = await temporaryFolder();
  const one = await startNode({ nats, name: 'web-1', dataDir, flags: as('web-1') });
  const two = await startNode({ nats, name: 'web-2', flags: as('web-2') });
  const from = Date.now() - hour;
  let wanted = (await send(one, 100)) + (await send(two, 100));
  const whole = (what: string): Promise<void> =>
    waitUntil(what, async () => {
      return (await messagesInCluster(merger, from).catch(() => 0)) === wanted;
    });
  await whole('the cluster has what both counted');
  for (const server of [merger, one, two])
    expect(await ask(server.adminUrl, '/v1/cluster')).not.toHaveProperty('problem');

  // A second boot under the same name needs no other permissions.
  await one.stop();
  const again = await startNode({ nats, name: 'web-1', dataDir, flags: as('web-1') });
  wanted += await send(again, 100);
  await whole('the cluster has what was counted since');

  const web2 = await connect({ servers: nats.urls, user: 'web-2', pass: 'right' });
  const refused: string[] = [];
  void (async () => {
    for await (const status of web2.status())
      if (status.type === 'error') refused.push(status.error.message);
  })();
  const foreign = [
    ...['reto3.windows.web-1', '$KV.RETO3_WINDOWS_RECORDS.boot.web-1'],
    ...['$KV.RETO3_WINDOWS_NODES.web-1', 'reto3.windows.open.web-1', 'reto3.windows.read.web-1'],
    ...['$JS.API.STREAM.DELETE.RETO3_WINDOWS', '$JS.API.STREAM.PURGE.RETO3_WINDOWS'],
    ...['$JS.API.STREAM.UPDATE.RETO3_WINDOWS', '$JS.API.STREAM.CREATE.OTHERS'],
  ];
  for (const subject of foreign) web2.publish(subject, '{}');
  await waitUntil('NATS refuses all of them', () => refused.length === foreign.length);
  await web2.close();
});
