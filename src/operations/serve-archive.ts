import { isIPv4 } from 'node:net';
import type { ServedTls } from '../server/archive-login.ts';
import { startArchiveServer, type ArchiveServerOptions } from '../server/archive-server.ts';
import type { ServedLog } from '../server/served-range.ts';
import { formatCoordinates } from '../binlog/coordinates.ts';
import type { Incident } from '../incident/incident.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { gtidModeOf, openRanges } from '../recovery/plan-ranges.ts';
import { refuseSkips } from '../recovery/refuse-skips.ts';
import type { OpenArchive } from './open-archive.ts';
import { replicaStatements, type ReplicaStatement } from './replica-statements.ts';
import { planService, type Service, type ServiceAim } from './plan-service.ts';

export interface ServeOptions extends ServiceAim {
  /** Loopback and a free port when not given. */
  readonly listen?: { readonly host: string; readonly port: number } | undefined;
  readonly user?: string | undefined;
  /** null: one is made, for this server only. */
  readonly password: string | null;
  readonly tls: ServedTls | null;
  /** Without TLS it listens on loopback only, unless this is true. */
  readonly allowClearText?: boolean | undefined;
  /** Serve also what may clash with what is left out. */
  readonly acceptConflicts?: boolean | undefined;
  readonly log: Logger;
}

/** One end of what is served. */
export interface ServedPlace {
  readonly lineage: string;
  readonly file: string;
  readonly position: number;
  /** GTID state there; null where the log has none. */
  readonly gtid: string | null;
}

/** What is served, where and to whom. */
export interface ServedArchive {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** null: it is the one that was given. */
  readonly password: string | null;
  readonly tls: boolean;
  readonly from: ServedPlace;
  readonly to: ServedPlace;
  /** In words: what is the last thing served, and the first that is not. */
  readonly between: string;
  readonly skipped: readonly Incident[];
  /** What leaving them out comes to for a replica, as in a plan. */
  readonly skips: Service['skips'];
  readonly conflicts: Service['conflicts'];
  readonly bytes: number;
  readonly statements: readonly ReplicaStatement[];
  readonly warnings: readonly string[];
}

/**
 * Serves the archive up to the target, without what is skipped, to any replica or client that reads binary logs, until the signal
 * comes. Changes nothing in the archive.
 *
 * @param onReady told once clients may come
 * @throws LastgoodError `CONFIG_INVALID` when the log would leave this machine in clear, what planning throws, `PREFLIGHT_FAILED` when
 *   it cannot listen, and in the end what kept it from serving a client: `ARCHIVE_DAMAGED`, `REPOSITORY_UNREADABLE`
 */
export async function serveArchive(
  archive: Pick<OpenArchive, 'repository' | 'catalog'>,
  options: ServeOptions,
  onReady: (served: ServedArchive) => void,
): Promise<void> {
  const { signal, log } = options;
  refuseExposure(options);
  const service = await planService(archive, options);
  refuseSkips(service, { accepted: options.acceptConflicts === true });
  await using server = await startArchiveServer({
    ...(await offerOf(archive, service)),
    ...(options.listen === undefined ? {} : { listen: options.listen }),
    ...(options.user === undefined ? {} : { user: options.user }),
    ...(options.password === null ? {} : { password: options.password }),
    ...(options.tls === null ? {} : { tls: options.tls }),
    log,
    onClient: clientLog(log),
  });
  const { host, port, user, password } = server;
  const shown = options.password === null ? password : null;
  log.info({ host, port }, 'serving');
  onReady(describe(service, { host, port, user, password: shown, tls: options.tls !== null }));
  await aborted(signal);
  if (server.failure !== null) throw server.failure as Error;
}

async function offerOf({ repository }: Pick<OpenArchive, 'repository'>, service: Service): Promise<ServedLog> {
  const { flavor, serverVersion, serverId, from, to } = service;
  return {
    identity: {
      ...{ flavor, serverVersion, serverId, gtidState: from.gtidState },
      gtidMode: gtidModeOf([from.gtidState, to.gtidState]),
    },
    ranges: await openRanges(repository, service.segments),
  };
}

function describe(
  { flavor, from, to, segments, skipped, skips, conflicts, warnings }: Service,
  address: Pick<ServedArchive, 'host' | 'port' | 'user' | 'password' | 'tls'>,
): ServedArchive {
  const { lineage, file, position } = from;
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  const isOneLineage = segments.every((segment) => segment.lineage === lineage);
  // As the archive server names files: see `openRanges`.
  const start = { file: isOneLineage ? file : `${lineage}.${file}`, position };
  const gtids = flavor === 'mariadb' ? from.gtidState !== null : gtidModeOf([from.gtidState, to.gtidState]) === 'ON';
  return {
    ...address,
    from: { lineage, file, position, gtid: from.gtidState },
    to: { lineage: to.lineage, file: to.file, position: to.position, gtid: to.gtidState },
    between: to.between,
    ...{ skipped, skips, conflicts },
    bytes,
    statements: replicaStatements(address, { flavor, gtids, from: start }),
    warnings: [...warnings, ...exposure(address)],
  };
}

/** The log holds all that was ever written. */
function refuseExposure({ listen, tls, allowClearText }: ServeOptions): void {
  if (listen === undefined || allowClearText === true || !isExposed({ host: listen.host, tls: tls !== null })) return;
  const { host } = listen;
  throw new LastgoodError('CONFIG_INVALID', `'${host}' is not only this machine, and the log would travel in clear`, {
    details: { host },
    hint: 'Give --tls-cert and --tls-key; or --allow-clear-text, where the network is as safe as this machine.',
  });
}

function exposure(address: Pick<ServedArchive, 'host' | 'tls'>): string[] {
  return isExposed(address) ? [`'${address.host}' is not only this machine, and the log travels in clear`] : [];
}

function isExposed({ host, tls }: Pick<ServedArchive, 'host' | 'tls'>): boolean {
  const isLoopback = host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
  return !tls && !isLoopback;
}

function clientLog(log: Logger): NonNullable<ArchiveServerOptions['onClient']> {
  return (client, what) => {
    const { id, address, serverId, asked, refusal } = client;
    const reached = client.reached();
    const facts = {
      client: id,
      address,
      serverId,
      asked,
      reached: reached === null ? null : formatCoordinates(reached),
    };
    if (what === 'refused') log.warn({ ...facts, reason: refusal }, 'client was refused');
    else log.info(facts, CLIENT_WORDS[what]);
  };
}

const CLIENT_WORDS = {
  asks: 'client asks for the log',
  sent: 'client was sent everything',
  left: 'client has left',
} as const;

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener(
      'abort',
      () => {
        resolve();
      },
      { once: true },
    );
  });
}
