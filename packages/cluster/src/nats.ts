/**
 * The way to NATS: connection, credentials, stream and buckets. Settings of the stream are its
 * creator's; whoever comes later only checks them.
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

/**
 * A connection that is cut without a word (a partition) shows after two pings without an answer.
 */
const pingEveryMs = 1_500;
const mostPingsOut = 2;
const reconnectAfterMs = 250;
/** How long a NATS server may take to let us in. */
const connectWithinMs = 5_000;
/**
 * Far longer than a NATS server takes that is there; a publish is tried again after that. What was sent
 * to a group without a leader is never answered, so this is how long a leader waits for what it lacks.
 */
const publishedWithinMs = 2_500;
/**
 * Questions to the register and of the stream. While a leader is elected JetStream says nothing at
 * all, so whoever waits long for an answer asks again long after there is one; and a name is not
 * kept with two answers that each take longer than this.
 */
const answerWithinMs = 2_000;
/**
 * A consumer lives on one NATS server, and JetStream may choose one that was just killed: that never
 * answers, the next one may.
 */
const consumerWithinMs = 1_500;
/**
 * Of each node the stream keeps a quarter of an hour, which is far more than a merger is usually
 * away. What it no longer has, mergers read from the node.
 */
const mostMessagesPerNode = 1_000;
/** A node's entry in the register is gone so long after it was last refreshed. */
export const leaseMs = 10_000;
if (4 * answerWithinMs >= leaseMs) throw new Error('BUG: a name is lost before it is tried twice');

/** The options of a connection, with the secrets read from their files. */
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
 * A secret that may be renewed: each connection reads the file again, and takes what it had before
 * if that fails.
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

/** What a node needs of JetStream. */
export interface JetStream {
  readonly client: JetStreamClient;
  /** For consumers: it does not wait long for one, and asks again. */
  readonly reader: JetStreamClient;
  readonly manager: JetStreamManager;
  /** Who lives: an entry of each node, gone when it is not refreshed. */
  readonly leases: KV;
  /** What has to outlive a node: its last boot. */
  readonly records: KV;
  /** Differences between the stream as it is and as the flags say, one sentence each. */
  readonly differences: readonly string[];
}

/** @throws Error where no server lets us in; the library itself would wait without a word */
export async function openConnection(options: NodeConnectionOptions): Promise<NatsConnection> {
  try {
    return await connect(options);
  } catch (cause) {
    if (options.tls === undefined || !(cause instanceof errors.TimeoutError)) throw cause;
    // In TLS 1.3 a client learns after its handshake what the server thinks of its certificate, and
    // the library does not tell.
    const message = `${cause.message}; where NATS asks for a certificate, see --nats-cert with --nats-key`;
    throw new Error(message, { cause });
  }
}

/**
 * Why NATS does not take this server, with the cure, where waiting is none: it is refused, or the two
 * do not agree on TLS. Undefined where NATS is just away.
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
 * Finds the stream and the buckets, or makes them.
 * @throws Reto3Error RETO3_STREAM_UNFIT where a stream of that name cannot serve
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
    // What it says must be so now, and not a moment ago on one of the replicas.
    allow_direct: false,
    ttl: leaseMs,
    // What it says is worth nothing after ten seconds, and still it is no bucket in memory: of three
    // NATS servers that are killed one after the other, two come back without their votes, and such a
    // bucket may then never have a leader again (seen with nats-server 2.9).
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
    // What comes in groups comes from their streams, under the subjects that it has there.
    subjects: natsGroup === undefined ? [`${settings.natsSubject}.*`] : [],
    ...(natsGroup && {
      sources: natsGroup.map(({ stream: name, domain }) => ({ name, ...(domain && { domain }) })),
    }),
    num_replicas: natsReplicas ?? (nats.length >= 3 ? 3 : 1),
    storage: settings.natsStorage === 'memory' ? StorageType.Memory : StorageType.File,
    // 0 is JetStream's word for ever.
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
  // All nodes start at once and each may make it: the same settings twice are no error.
  return manager.streams.add({ ...wanted, max_msgs_per_subject: mostMessagesPerNode });
}

/** Whether JetStream says that there is no such stream (and not that it cannot say). */
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

/** What it says of those that are not among the others. */
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
  return found;
}
