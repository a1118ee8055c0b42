import { join } from 'node:path';
import type { BackupRecord } from '../src/archive/backup-record.ts';
import { openRepository } from '../src/archive/repository.ts';
import { BACKUP_FILES } from '../src/backup/backup-files.ts';
import { openArchive } from '../src/operations/open-archive.ts';
import { makePlan } from '../src/operations/plan.ts';
import { restore } from '../src/operations/restore.ts';
import { runTool } from '../src/platform/child-process.ts';
import { createLogger } from '../src/platform/logger.ts';
import { makeTempDirectory } from '../src/platform/temp-dir.ts';
import { chooseServerId, startRestoringServer } from '../src/recovery/create-scratch.ts';
import { dataBytes } from '../src/recovery/disk-space.ts';
import { serverPaths } from '../src/recovery/server-folder.ts';
import { sourceZone } from '../src/recovery/source-zone.ts';
import { differingTables, listTables, readTableStates, type TableState } from '../src/recovery/table-state.ts';
import { installDatadir, startLocalServer } from '../src/server/local-server.ts';
import { pipeDump, pipeLog } from './by-hand.ts';
import type { RestoreScene } from './restore-scene.ts';

const FULL = process.env['LASTGOOD_BENCH_FULL'] === '1';
const DUMP_MEGABYTES = Number(process.env['LASTGOOD_BENCH_DUMP_MB'] ?? (FULL ? 5120 : 256));
const LOG_MEGABYTES = Number(process.env['LASTGOOD_BENCH_MB'] ?? (FULL ? 2048 : 256));
const GOAL_BYTES = 200e6;
const log = createLogger({ level: 'error', pretty: true });

/** Seconds by phase; the total has what belongs to none: planning, installing and stopping the server. */
type Phases = Readonly<Record<'total' | 'load' | 'replay' | 'proof', number>>;

/**
 * Restores the same backup and the same log, from nothing to a stopped server in whose folder all is: by hand, with the
 * servers' own tools and the same settings, and by us, with proof. Both must end with equal tables.
 */
export async function run(): Promise<void> {
  const scene = await sceneOfOtherProcess();
  print(`restore: about ${DUMP_MEGABYTES} MB of dump and ${LOG_MEGABYTES} MB of log`);
  const hand = await measureIn((datadir) => byHand(datadir, scene));
  report('zstd | mariadb, mariadb-binlog | mariadb', hand.phases);
  const ours = await measureIn((datadir) => byLastgood(datadir, scene));
  report('lastgood restore', ours.phases);
  const differing = differingTables(hand.tables, ours.tables);
  if (hand.tables.length === 0 || differing.length > 0) throw new Error(`other tables: ${differing.join(', ')}`);
  const peak = process.resourceUsage().maxRSS * 1024; // kilobytes
  const verdict = peak < GOAL_BYTES ? 'reached' : 'missed';
  print(`  equal tables: ${hand.tables.length}; our memory ${(peak / 1e6).toFixed(0)} MB, goal 200: ${verdict}`);
  print(`  ratio ${(hand.phases.total / ours.phases.total).toFixed(2)}`);
}

async function sceneOfOtherProcess(): Promise<RestoreScene> {
  const program = join(import.meta.dirname, 'make-restore-scene.ts');
  const args = [...process.execArgv, program, String(DUMP_MEGABYTES), String(LOG_MEGABYTES)];
  return JSON.parse((await runTool({ program: process.execPath, args })).stdout) as RestoreScene;
}

async function byHand(datadir: string, scene: RestoreScene): Promise<Omit<Phases, 'total'>> {
  const { record, folder } = await onlyBackup(scene);
  await installDatadir({ datadir });
  await using server = await startRestoringServer({
    datadir,
    port: 0,
    serverId: chooseServerId(),
    settings: record.settings,
    zone: sourceZone({}, []),
    dataBytes: await estimate(scene),
    onError: 'empty',
    log,
  });
  const login = server.serverOptions('restored by hand');
  const load = await seconds(() => pipeDump(login, join(folder, BACKUP_FILES.schemas)));
  const replay = await seconds(() => pipeLog(login, scene.binlogs, scene));
  await server.stop();
  return { load, replay, proof: 0 };
}

async function byLastgood(datadir: string, scene: RestoreScene): Promise<Omit<Phases, 'total'>> {
  using archive = await openArchive(scene.repository, { log });
  const plan = await makePlan(archive, { kind: 'latest' });
  const restored = await restore(archive, { plan, into: { kind: 'scratch', datadir }, stop: true, log });
  return restored.seconds;
}

async function onlyBackup({ repository }: RestoreScene): Promise<{ record: BackupRecord; folder: string }> {
  const opened = await openRepository(repository);
  const [record] = (await opened.backups()).records;
  if (record === undefined) throw new Error(`no backup in ${repository}`);
  return { record, folder: opened.backupFolder(record.id) };
}

/** What ours makes of the same. */
async function estimate({ repository }: RestoreScene): Promise<number> {
  using archive = await openArchive(repository, { log });
  return dataBytes(await makePlan(archive, { kind: 'latest' }));
}

interface Outcome {
  readonly phases: Phases;
  readonly tables: readonly TableState[];
}

async function measureIn(work: (datadir: string) => Promise<Omit<Phases, 'total'>>): Promise<Outcome> {
  await using folder = await makeTempDirectory('lastgood-bench-');
  const datadir = join(folder.path, 'data');
  const started = performance.now();
  const phases = await work(datadir);
  const total = (performance.now() - started) / 1000;
  return { phases: { ...phases, total }, tables: await readTables(datadir) };
}

/** Not part of what is measured. */
async function readTables(datadir: string): Promise<TableState[]> {
  await using server = await startLocalServer({ ...serverPaths(datadir), args: ['--skip-slave-start'] });
  await using connection = await server.connect();
  return await readTableStates(connection, await listTables(connection));
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

function report(name: string, { total, load, replay, proof }: Phases): void {
  const [all, ...each] = [total, load, replay, proof].map((value) => value.toFixed(1));
  print(`  ${name.padEnd(42)} ${(all ?? '').padStart(6)} s  (load, replay, proof: ${each.join(', ')})`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
