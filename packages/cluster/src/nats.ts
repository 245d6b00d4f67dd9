/**
 * NATS: connection, credentials, stream and buckets. The server that creates the stream sets it up;
 * later servers only check its settings.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import {
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import {
  type Authenticator,
  connect,
  credsAuthenticator,
  errors,
  type NatsConnection,
  type NodeConnectionOptions,
  nanos,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node';
import { messageOf, Reto3Error } from '@reto3/core';
import type { ClusterOptions } from './options.ts';

/** Two pings without a reply reveal a connection that a partition has cut silently. */
const pingEveryMs = 1_500;
const mostPingsOut = 2;
const reconnectAfterMs = 250;
/** How long a NATS server may take to accept a connection. */
const connectWithinMs = 5_000;
/**
 * Far longer than a NATS server takes to acknowledge a message. Without a leader there is never a
 * reply, so a new leader may wait this long for the next attempt.
 */
const publishedWithinMs = 2_500;
/**
 * For requests about the register and the stream. JetStream does not reply while it elects a leader, so
 * a longer wait would only delay the next attempt; and two longer waits would lose the name.
 */
const answerWithinMs = 2_000;
/** A consumer is on one NATS server. JetStream may choose one that was just killed; then try again. */
const consumerWithinMs = 1_500;
/** A quarter of an hour of each node. Mergers read older seconds from the node. */
const mostMessagesPerNode = 1_000;
/** How long a node's entry in the register lasts without a refresh. */
export const leaseMs = 10_000;
if (4 * answerWithinMs >= leaseMs) throw new Error('BUG: a name is lost before it is tried twice');

/** The options of a connection, with the secrets from their files. */
export async function connectionOptions(settings: ClusterOptions): Promise<NodeConnectionOptions> {
  const authenticators: Authenticator[] = [];
  if (settings.natsCreds !== undefined)
    authenticators.push(credsAuthenticator(await secretIn('nats-creds', settings.natsCreds)));
  if (settings.natsTokenFile !== undefined) {
    const token = await secretIn('nats-token-file', settings.natsTokenFile);
    authenticators.push(tokenAuthenticator(() => textOf(token())));
  }
  if (settings.natsUser !== undefined && settings.natsPasswordFile !== undefined) {
    const password = await secretIn('nats-password-file', settings.natsPasswordFile);
    authenticators.push(usernamePasswordAuthenticator(settings.natsUser, () => textOf(password())));
  }
  const { natsCa: caFile, natsCert: certFile, natsKey: keyFile } = settings;
  if (caFile !== undefined) await readSecret('nats-ca', caFile);
  if (certFile !== undefined) await readSecret('nats-cert', certFile);
  if (keyFile !== undefined) await readSecret('nats-key', keyFile);
  const tls = {
    ...(caFile && { caFile }),
    ...(certFile && { certFile }),
    ...(keyFile && { keyFile }),
  };
  return {
    servers: [...(settings.nats ?? [])],
    name: `reto3 ${settings.node}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: reconnectAfterMs,
    timeout: connectWithinMs,
    ignoreAuthErrorAbort: true,
    pingInterval: pingEveryMs,
    maxPingOut: mostPingsOut,
    noAsyncTraces: true,
    ...(authenticators.length > 0 && { authenticator: authenticators }),
    ...(Object.keys(tls).length > 0 && { tls }),
  };
}

/**
 * A secret that may be renewed: each connection reads the file again, and uses the last contents if
 * that fails.
 */
async function secretIn(flag: string, file: string): Promise<() => Buffer> {
  let last = await readSecret(flag, file);
  return () => {
    try {
      last = readFileSync(file);
    } catch {
      // It is being replaced.
    }
    return last;
  };
}

function textOf(secret: Buffer): string {
  return secret.toString('utf8').trim();
}

async function readSecret(flag: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    const message = `cannot read --${flag} "${file}": ${messageOf(cause)}`;
    throw new Reto3Error('RETO3_BAD_SETTING', message, { cause });
  }
}

/** JetStream, as far as it is used here. */
export interface JetStream {
  readonly client: JetStreamClient;
  /** For consumers, with a short timeout. */
  readonly reader: JetStreamClient;
  readonly manager: JetStreamManager;
  /** The running nodes: an entry each, which expires. */
  readonly leases: KV;
  /** The last boot of each node. */
  readonly records: KV;
  /** Differences between the stream and the flags, one sentence each. */
  readonly differences: readonly string[];
}

/** @throws Error if no server accepts the connection; the library alone would wait silently */
export async function openConnection(options: NodeConnectionOptions): Promise<NatsConnection> {
  try {
    return await connect(options);
  } catch (cause) {
    if (options.tls === undefined || !(cause instanceof errors.TimeoutError)) throw cause;
    // In TLS 1.3 a client learns only after its handshake that the server rejects its certificate, and
    // the library does not report it.
    const message = `${cause.message}; if NATS requires a certificate, see --nats-cert with --nats-key`;
    throw new Error(message, { cause });
  }
}

/**
 * Why NATS rejects this server, with the cure: its credentials, or TLS. Undefined if NATS is only away,
 * so that waiting helps.
 */
export function refusalOf(error: unknown): string | undefined {
  const reason = messageOf(error);
  if (
    error instanceof errors.AuthorizationError ||
    error instanceof errors.UserAuthenticationExpiredError
  )
    return `NATS does not let this server in (${reason}): see --nats-creds, --nats-token-file, or --nats-user with --nats-password-file`;
  const mayBeAway = error instanceof Error && error.cause instanceof errors.TimeoutError;
  if (!mayBeAway && /certificate|tls|ssl/i.test(reason))
    return `no TLS with NATS (${reason}): see --nats-ca, and --nats-cert with --nats-key`;
  return undefined;
}

/**
 * Finds or creates the stream and the buckets.
 * @throws Reto3Error RETO3_STREAM_UNFIT if a stream of that name cannot be used
 */
export async function openJetStream(
  connection: NatsConnection,
  settings: ClusterOptions,
): Promise<JetStream> {
  const timeout = answerWithinMs;
  const manager = await jetstreamManager(connection, { timeout });
  const client = jetstream(connection, { timeout: publishedWithinMs });
  const reader = jetstream(connection, { timeout: consumerWithinMs });
  const wanted = wantedStream(settings);
  const info = await findOrMake(manager, wanted);
  assertFit(info.config, wanted);
  const buckets = new Kvm(jetstream(connection, { timeout }));
  const replicas = info.config.num_replicas;
  const leases = await buckets.create(`${settings.natsStream}_NODES`, {
    replicas,
    history: 1,
    // Reads must be current, not those of a replica that is behind.
    allow_direct: false,
    ttl: leaseMs,
    // Though entries last only ten seconds, not in memory: if three NATS servers are killed one after
    // the other, two return without their votes, and a bucket in memory may never have a leader again
    // (seen with nats-server 2.9).
    storage: StorageType.File,
  });
  const records = await buckets.create(`${settings.natsStream}_RECORDS`, {
    replicas,
    history: 1,
    allow_direct: false,
    storage: info.config.storage,
  });
  return {
    client,
    reader,
    manager,
    leases,
    records,
    differences: differences(info.config, wanted, settings),
  };
}

type Wanted = Pick<
  StreamConfig,
  'name' | 'subjects' | 'sources' | 'num_replicas' | 'storage' | 'max_age' | 'retention' | 'discard'
>;

function wantedStream(settings: ClusterOptions): Wanted {
  const { natsMaxAge, natsReplicas, natsGroup, nats = [] } = settings;
  return {
    name: settings.natsStream,
    // Messages of groups come from their streams and keep their subjects.
    subjects: natsGroup === undefined ? [`${settings.natsSubject}.*`] : [],
    ...(natsGroup && {
      sources: natsGroup.map(({ stream: name, domain }) => ({ name, ...(domain && { domain }) })),
    }),
    num_replicas: natsReplicas ?? (nats.length >= 3 ? 3 : 1),
    storage: settings.natsStorage === 'memory' ? StorageType.Memory : StorageType.File,
    // JetStream's 0 means forever.
    max_age: Number.isFinite(natsMaxAge) ? nanos(natsMaxAge) : 0,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
  };
}

async function findOrMake(manager: JetStreamManager, wanted: Wanted): Promise<StreamInfo> {
  try {
    return await manager.streams.info(wanted.name);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  // All nodes may create it at once: with equal settings that is no error.
  return manager.streams.add({ ...wanted, max_msgs_per_subject: mostMessagesPerNode });
}

/** Whether JetStream knows that the stream does not exist. */
function isMissing(error: unknown): boolean {
  return error instanceof Error && /stream not found/i.test(error.message);
}

/** @throws Reto3Error RETO3_STREAM_UNFIT */
function assertFit(got: StreamConfig, wanted: Wanted): void {
  const reason =
    lackOf('subjects', got.subjects, wanted.subjects) ??
    lackOf('sources', namesOf(got), namesOf(wanted)) ??
    (got.retention === wanted.retention
      ? undefined
      : `got retention ${got.retention}, want ${wanted.retention}`);
  if (reason === undefined) return;
  throw new Reto3Error('RETO3_STREAM_UNFIT', `cannot use the stream ${wanted.name}: ${reason}`);
}

/** An error that names the missing ones; undefined if none is missing. */
function lackOf(what: string, got: readonly string[], wanted: readonly string[]) {
  const missing = wanted.filter((one) => !got.includes(one));
  if (missing.length === 0) return undefined;
  return `got ${what} ${got.join(', ') || 'none'}, want ${missing.join(', ')} among them`;
}

function namesOf({ sources = [] }: Pick<StreamConfig, 'sources'>): string[] {
  return sources.map(({ name }) => name);
}

function differences(got: StreamConfig, wanted: Wanted, settings: ClusterOptions): string[] {
  const found: string[] = [];
  const differ = (flag: string, is: unknown, says: unknown): void => {
    if (is !== says)
      found.push(`the stream ${wanted.name} has ${is}, --${flag} says ${says}: the stream wins`);
  };
  if (settings.natsReplicas !== undefined)
    differ('nats-replicas', got.num_replicas, wanted.num_replicas);
  differ('nats-storage', got.storage, wanted.storage);
  differ('nats-max-age', `${got.max_age / 1e9} s`, `${wanted.max_age / 1e9} s`);
  // As version 0.1.0 created it; JetStream's -1 means any number.
  if (got.max_msgs_per_subject <= 0)
    found.push(
      `the stream ${wanted.name} keeps any number of messages of a node, and mergers need the last ${mostMessagesPerNode}: nats stream edit ${wanted.name} --max-msgs-per-subject=${mostMessagesPerNode}`,
    );
  return found;
}
