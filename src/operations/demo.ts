import { join } from 'node:path';
import { openRepository, type Repository } from '../archive/repository.ts';
import { formatCoordinates } from '../binlog/coordinates.ts';
import type { Incident } from '../incident/incident.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { makeSweptDirectory } from '../platform/swept-directory.ts';
import { makeTempDirectory } from '../platform/temp-dir.ts';
import { waitFor } from '../platform/wait.ts';
import { differingTables, listTables, readTableStates, type TableState } from '../recovery/table-state.ts';
import { readBinlogEnd } from '../server/binary-logs.ts';
import type { ServerConnection } from '../server/connection.ts';
import { archive } from './archive.ts';
import { waitUntilArchived } from './archived-point.ts';
import { takeBackup } from './backup.ts';
import { startDemoServers, startRestored, type DemoServers } from './demo/demo-servers.ts';
import { createSchemas, MOVEMENT, ORDER, startWriter } from './demo/demo-workload.ts';
import { listIncidents } from './incidents.ts';
import { openArchive, type OpenArchive } from './open-archive.ts';
import { makePlan } from './plan.ts';
import { restore, type Restored } from './restore.ts';
import { SETTINGS_DEFAULTS, type Settings } from './settings.ts';

/** Transactions before the backup, between it and the mistake, and of the other schema after it. */
const PACE = { beforeBackup: 500, beforeMistake: 2000, afterMistake: 500 };

const BEGIN_MS = 30_000;

export interface DemoOptions {
  /** Takes the story, line by line. */
  readonly tell: (line: string) => void;
  /** Leave the folder with everything in it; its servers are stopped. */
  readonly keep: boolean;
  readonly log: Logger;
  readonly signal?: AbortSignal | undefined;
}

/** What the story came to. */
export interface DemoResult extends Omit<Restored, 'plan' | 'appliers' | 'warnings'> {
  readonly incident: Incident;
  /** The lost schema's tables just before the mistake, and in the restored server. */
  readonly lost: readonly TableState[];
  readonly restored: readonly TableState[];
  /** null when it was removed. */
  readonly folder: string | null;
}

/**
 * Plays a whole accident on this machine, in a temporary folder: primary and replica, archive, backup, DROP DATABASE
 * under load, find, plan, restore, proof. Nothing outside the folder is touched; nothing of it stays unless asked for.
 *
 * @throws LastgoodError `TOOL_MISSING` without a MariaDB server program, `PROOF_FAILED`, `INTERRUPTED`
 */
export async function demo(options: DemoOptions): Promise<DemoResult> {
  const folder = await (options.keep ? makeTempDirectory : makeSweptDirectory)('lastgood-demo-');
  try {
    const result = await play(folder.path, options);
    if (options.keep) options.tell(`everything is kept in ${folder.path}`);
    return { ...result, folder: options.keep ? folder.path : null };
  } finally {
    if (!options.keep) await folder[Symbol.asyncDispose]();
  }
}

type Story = Omit<DemoResult, 'folder'>;

async function play(folder: string, options: DemoOptions): Promise<Story> {
  const { tell, log, signal } = options;
  await using servers = await startDemoServers(folder, signal);
  await using onPrimary = await servers.primary.connect();
  tell(`a primary and its replica run in ${folder} (MariaDB ${onPrimary.version})`);
  const settings = settingsFor(servers, join(folder, 'archive'));
  const repository = await openRepository(settings.repositoryPath, { create: true });
  await using archiver = startArchiver({ repository, settings, options });
  await createSchemas(onPrimary);
  await archiver.begun();
  tell("the archive streams the primary's binary log as it is written");
  const { incident, lost } = await letItHappen({ servers, repository, settings, onPrimary, options });
  await archiver.stop();
  using opened = await openArchive(settings.repositoryPath, { log, signal });
  return await undo(opened, { folder, incident, lost, options });
}

function settingsFor({ primary, replica }: DemoServers, repositoryPath: string): Settings {
  const { serverId, sync, semiSync, compression } = SETTINGS_DEFAULTS;
  return {
    repositoryPath,
    keyFile: null,
    primary: { ...primary.serverOptions('demo'), serverId },
    replica: replica.serverOptions('replica'),
    archive: { sync, semiSync, compression },
  };
}

interface Archiver extends AsyncDisposable {
  /** Resolves when there is something in the archive. */
  begun(): Promise<void>;
  stop(): Promise<void>;
}

function startArchiver({
  repository,
  settings,
  options,
}: Pick<Scene, 'repository' | 'settings' | 'options'>): Archiver {
  const controller = new AbortController();
  const { repositoryPath, primary, archive: how } = settings;
  const running = archive({
    ...{ repositoryPath, primary, archive: how, untilCurrent: false, log: options.log, signal: controller.signal },
  });
  const state = { failure: null as unknown };
  const ended = running.catch((error: unknown) => {
    state.failure = error;
  });
  const throwIfFailed = (): void => {
    if (state.failure !== null) throw state.failure as Error;
  };
  return {
    begun: async () => {
      const hasLineage = async (): Promise<boolean> => {
        throwIfFailed();
        return (await repository.lineages()).length > 0;
      };
      await waitFor(hasLineage, { timeoutMs: BEGIN_MS, what: 'the archive to begin', signal: options.signal });
    },
    stop: async () => {
      controller.abort();
      await ended;
      throwIfFailed();
    },
    async [Symbol.asyncDispose]() {
      controller.abort();
      await ended; // what went wrong is told by stop(), or matters less than what went wrong before
    },
  };
}

interface Scene {
  readonly servers: DemoServers;
  readonly repository: Repository;
  readonly settings: Settings;
  readonly onPrimary: ServerConnection;
  readonly options: DemoOptions;
}

/** Work, a backup, more work, the mistake, and work that goes on elsewhere. */
async function letItHappen(scene: Scene): Promise<{ incident: Incident; lost: TableState[] }> {
  const { servers, repository, settings, onPrimary, options } = scene;
  const { tell, log, signal } = options;
  await using sales = startWriter(() => servers.primary.connect(), ORDER);
  await using movements = startWriter(() => servers.primary.connect(), MOVEMENT);
  await sales.commits(PACE.beforeBackup, signal);
  await servers.caughtUp();
  const backup = await takeBackup({ settings, repository, log, signal });
  tell(
    `a backup is taken off the replica: it did not apply for ${backup.applyingStoppedSeconds.toFixed(1)} s, the primary did not notice`,
  );
  await sales.commits(PACE.beforeMistake, signal);
  await sales.stop();
  const lost = await readSchema(onPrimary, 'shop');
  await onPrimary.query('DROP DATABASE shop');
  await servers.caughtUp();
  tell(`someone runs DROP DATABASE shop: ${describe(lost)} are gone, on the replica too`);
  await movements.commits(PACE.afterMistake, signal);
  await movements.stop();
  tell(`the warehouse did not notice and wrote ${PACE.afterMistake} more transactions`);
  await waitUntilArchived(settings, (await readBinlogEnd(onPrimary)).coordinates, { log, signal });
  using opened = await openArchive(settings.repositoryPath, { log, signal });
  const [incident] = listIncidents(opened, { kind: 'drop-database', schema: 'shop' });
  if (incident === undefined) throw new LastgoodError('PROOF_FAILED', 'the archive does not show the DROP DATABASE');
  const { file, start, gtid } = incident;
  tell(
    `found: ${incident.id}, '${incident.statement}' at ${formatCoordinates({ file, position: start })}, GTID ${gtid ?? 'none'}`,
  );
  return { incident, lost };
}

/** Plan, restore, compare. */
async function undo(
  opened: OpenArchive,
  o: { folder: string; incident: Incident; lost: TableState[]; options: DemoOptions },
): Promise<Story> {
  const { incident, lost, options } = o;
  const { tell, log, signal } = options;
  const datadir = join(o.folder, 'restored');
  const plan = await makePlan(opened, { kind: 'before-incident', incident: incident.id }, { signal });
  tell(
    `planned: load the backup, replay ${plan.groups} transaction groups (${plan.bytes} bytes), stop before the DROP`,
  );
  const { server, proof, seconds } = await restore(opened, {
    plan,
    into: { kind: 'scratch', datadir },
    stop: true,
    log,
    signal,
  });
  tell(
    `restored in ${seconds.total.toFixed(1)} s: load ${seconds.load.toFixed(1)}, replay ${seconds.replay.toFixed(1)}, proof ${seconds.proof.toFixed(1)}`,
  );
  for (const { check, found } of proof.checks) tell(`  proven: ${check} (${found})`);
  await using restoredServer = await startRestored(datadir, signal);
  await using connection = await restoredServer.connect();
  const restored = await readSchema(connection, 'shop');
  const differing = differingTables(lost, restored);
  if (differing.length > 0) throw new LastgoodError('PROOF_FAILED', `not as before the DROP: ${differing.join(', ')}`);
  for (const { name, rows, checksum } of restored) {
    tell(`  shop.${name}: ${rows} rows, checksum ${checksum ?? 'none'}, the same as just before the DROP`);
  }
  tell('the last good state is back, in a server of its own');
  return { incident, server, proof, seconds, lost, restored };
}

async function readSchema(connection: ServerConnection, schema: string): Promise<TableState[]> {
  const tables = (await listTables(connection)).filter((table) => table.schema === schema);
  return await readTableStates(connection, tables);
}

function describe(tables: readonly TableState[]): string {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  return `${tables.length} tables with ${rows} rows`;
}
