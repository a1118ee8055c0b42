import type { BackupRecord } from '../../src/archive/backup-record.ts';
import { CheckpointCollector, type Checkpoint } from '../../src/archive/checkpoint.ts';
import type { Lineage } from '../../src/archive/lineage.ts';
import type { GroupMark, SegmentDigest } from '../../src/archive/manifest.ts';
import type { Flavor, Gtid, GtidState } from '../../src/binlog/gtid.ts';
import type { Group } from '../../src/binlog/group.ts';
import { formatGtid, parseGtid, parseGtidState } from '../../src/binlog/gtid-text.ts';
import type { CatalogSegment } from '../../src/catalog/segment-table.ts';
import { incidentId, type Incident } from '../../src/incident/incident.ts';
import { formatSeconds } from '../../src/platform/time.ts';
import type { LineageView } from '../../src/recovery/lineage-view.ts';

/** Where the first group of each file starts: after format and GTID list. */
const HEADER_BYTES = 256;
/** 2026-11-22T10:00:00Z; a group's `at` counts from here. */
export const TEN_O_CLOCK = Date.UTC(2026, 10, 22, 10) / 1000;

export interface LogGroup {
  readonly gtid?: string;
  /** Seconds after ten o'clock. */
  readonly at: number;
  /** 100 when not given. */
  readonly bytes?: number;
}

export interface LogOptions {
  readonly id?: string;
  readonly name?: string;
  readonly flavor?: Flavor;
  /** Number of the first file; 1 when not given. */
  readonly firstNumber?: number;
  /** GTID state before the first file; '' when not given, null for a source without GTIDs. */
  readonly gtidStart?: string | null;
  /** Distance of checkpoints; 250 when not given, so that small logs have some. */
  readonly checkpointBytes?: number;
}

/** A lineage in memory: the same shape as an archive with its catalog, without a byte on disk. */
export interface InMemoryLog extends LineageView {
  readonly groups: readonly (readonly Group[])[];
  /** Which ranges were read, for tests about how much is read. */
  readonly reads: { file: string; from: number }[];
}

export function fileName(number: number): string {
  return `binlog.${String(number).padStart(6, '0')}`;
}

/** One array of groups for each file; the last file is open, the others are sealed. */
export function inMemoryLog(files: readonly (readonly LogGroup[])[], options: LogOptions = {}): InMemoryLog {
  const { flavor = 'mariadb', firstNumber = 1, gtidStart = '', checkpointBytes = 250 } = options;
  const state = gtidStart === null ? null : parseGtidState(flavor, gtidStart);
  const states = new Map<string, GtidState | null>();
  const checkpoints = new Map<string, Checkpoint[]>();
  const lineage = aLineage(options);
  const built = files.map((logGroups, index) => {
    const file = fileName(firstNumber + index);
    states.set(file, state?.clone() ?? null);
    const groups = placeGroups(logGroups);
    checkpoints.set(file, collect({ file, groups, state, checkpointBytes }));
    const isLast = index === files.length - 1;
    const digest = digestOf({ file, groups, before: states.get(file) ?? null, after: state });
    const segment: CatalogSegment = { lineage: lineage.id, state: isLast ? 'open' : 'sealed', digest };
    return { groups, segment };
  });
  const reads: { file: string; from: number }[] = [];
  return {
    lineage,
    reads,
    groups: built.map(({ groups }) => groups),
    segments: built.map(({ segment }) => segment),
    checkpoints: (file) => checkpoints.get(file) ?? [],
    readGroups: (file, from, visit) => {
      reads.push({ file, from: from?.offset ?? 0 });
      const groups = built.find(({ segment }) => segment.digest.file === file)?.groups ?? [];
      const running =
        from === null ? states.get(file) : from.gtidState === null ? null : parseGtidState(flavor, from.gtidState);
      walk(
        groups.filter(({ start }) => start >= (from?.offset ?? 0)),
        running?.clone() ?? null,
        visit,
      );
      return Promise.resolve();
    },
  };
}

function walk(
  groups: readonly Group[],
  state: GtidState | null,
  visit: (group: Group, before: GtidState | null) => boolean,
): void {
  for (const group of groups) {
    if (!visit(group, state)) return;
    if (group.gtid !== null) state?.add(group.gtid);
  }
}

function placeGroups(groups: readonly LogGroup[]): Group[] {
  let end = HEADER_BYTES;
  return groups.map(({ gtid, at, bytes = 100 }) => {
    const start = end;
    end += bytes;
    return aGroup({ start, end, time: TEN_O_CLOCK + at, gtid: gtid === undefined ? null : parseGtid(gtid) });
  });
}

export function aGroup(group: { start: number; end: number; time: number; gtid?: Gtid | null }): Group {
  return { serverId: 1, threadId: 7, events: 3, ending: 'commit', gtid: null, ...group };
}

function collect(from: {
  file: string;
  groups: readonly Group[];
  state: GtidState | null;
  checkpointBytes: number;
}): Checkpoint[] {
  const { file, groups, state, checkpointBytes } = from;
  const collector = new CheckpointCollector(checkpointBytes);
  collector.enterFile(file);
  for (const group of groups) {
    collector.group(group, () => state?.toString() ?? null);
    if (group.gtid !== null) state?.add(group.gtid);
  }
  return collector.drain();
}

function digestOf(of: {
  file: string;
  groups: readonly Group[];
  before: GtidState | null;
  after: GtidState | null;
}): SegmentDigest {
  const { file, groups, before, after } = of;
  const mark = (group: Group | undefined): GroupMark | null => {
    if (group === undefined) return null;
    const { start, end, time, gtid } = group;
    return { start, end, time: formatSeconds(time), gtid: gtid === null ? null : formatGtid(gtid) };
  };
  const times = groups.map(({ time }) => time);
  return {
    file,
    gtidStart: before?.toString() ?? null,
    gtidEnd: after?.toString() ?? null,
    first: mark(groups[0]),
    last: mark(groups.at(-1)),
    minTime: groups.length === 0 ? null : Math.min(...times),
    maxTime: groups.length === 0 ? null : Math.max(...times),
    groups: groups.length,
    events: groups.length * 3,
    indexedTo: groups.at(-1)?.end ?? HEADER_BYTES,
    checksum: 'crc32',
    serverVersion: '10.11.19-MariaDB-log',
    openedAt: TEN_O_CLOCK,
  };
}

export function aLineage({
  id = 'shop-1a2b',
  name = 'shop',
  flavor = 'mariadb',
  gtidStart = '',
}: LogOptions = {}): Lineage {
  return {
    format: 1,
    id,
    name,
    flavor,
    serverId: 1,
    serverUuid: null,
    firstFile: fileName(1),
    firstOpenedAt: TEN_O_CLOCK,
    firstGtidState: gtidStart,
    parent: null,
    handOver: null,
    createdAt: formatSeconds(TEN_O_CLOCK),
  };
}

/** A backup at FILE:POSITION of the lineage, finished at ten o'clock. */
export function aBackup(
  coordinates: string,
  {
    id = `b-${coordinates}`,
    lineage = 'shop-1a2b',
    gtid = null,
    bytes = 1000,
    finishedAt = TEN_O_CLOCK,
  }: {
    id?: string;
    lineage?: string | null;
    gtid?: string | null;
    bytes?: number;
    finishedAt?: number;
  } = {},
): BackupRecord {
  const server = 'replica';
  return {
    format: 1,
    id,
    method: 'logical',
    tool: 'mariadb-dump',
    toolVersion: '10.11.19',
    startedAt: formatSeconds(finishedAt - 60),
    finishedAt: formatSeconds(finishedAt),
    bytes,
    files: [],
    flavor: 'mariadb',
    serverVersion: '10.11.19-MariaDB',
    replica: { server, coordinates: null, gtid: null },
    primary: { server: 'primary', coordinates, gtid, serverId: 1, lineage },
    databases: ['shop'],
    settings: {},
    applyingStoppedSeconds: 1,
  };
}

/** DROP DATABASE shop, at a group of the log. */
export function anIncident(
  group: { start: number; end: number; time: number },
  change: Partial<Incident> & { file: string },
): Incident {
  const { start, end, time } = group;
  const place = { lineage: 'shop-1a2b', start, ...change };
  return {
    id: incidentId(place),
    kind: 'drop-database',
    state: 'effective',
    suspicious: false,
    objects: [{ schema: 'shop', name: null, type: 'database' }],
    statement: 'DROP DATABASE shop',
    rows: { deleted: 0, updated: 0 },
    gtid: null,
    end,
    time: formatSeconds(time),
    threadId: 37,
    serverId: 1,
    lastGood: null,
    awaits: null,
    settledBy: null,
    ...place,
  };
}
