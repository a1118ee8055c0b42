import { parseCoordinates } from '../binlog/coordinates.ts';

/** One side of a backup's place in time. `coordinates` is FILE:POSITION in that server's own binary log. */
export interface BackupSide {
  readonly server: string;
  readonly coordinates: string | null;
  readonly gtid: string | null;
}

/** The content of `backups/<id>/backup.json`, and the JSON contract's backup without `usable` and `why`. */
export interface BackupRecord {
  readonly format: 1;
  readonly id: string;
  readonly method: 'logical';
  readonly tool: string;
  readonly toolVersion: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  /** Of all files together. */
  readonly bytes: number;
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
  readonly flavor: 'mysql' | 'mariadb';
  readonly serverVersion: string;
  /** The replica's own log: pairs only with an archive of the replica. */
  readonly replica: BackupSide;
  /** What the replica had applied of the primary's log: where replay starts. */
  readonly primary: BackupSide & {
    readonly coordinates: string;
    readonly serverId: number;
    readonly lineage: string | null;
  };
  readonly databases: readonly string[];
  /**
   * About how many rows tables had, as the replica estimates; those with few are left out. Backups of the first versions do
   * not have it.
   */
  readonly tables?: readonly { readonly schema: string; readonly name: string; readonly rows: number }[];
  /** Server settings that the scratch server must share for the same result. */
  readonly settings: Readonly<Record<string, string>>;
  /** How long applying was stopped on the replica. */
  readonly applyingStoppedSeconds: number;
}

/** What of a backup's place and files a record lacks, in words; null when it has all. An early version wrote records without a hash. */
export function whyNoBackup(record: Partial<Record<keyof BackupRecord, unknown>>): string | null {
  const { startedAt, finishedAt, bytes, files, primary, replica, settings, databases } = record;
  const isTime = (value: unknown): boolean => typeof value === 'string' && !Number.isNaN(Date.parse(value));
  const has: Readonly<Record<string, boolean>> = {
    startedAt: isTime(startedAt),
    finishedAt: isTime(finishedAt),
    bytes: typeof bytes === 'number',
    files: Array.isArray(files) && files.every(isFile),
    databases: Array.isArray(databases),
    settings: isObject(settings),
    replica: isObject(replica),
    primary: isObject(primary) && isPlace(primary['coordinates']),
  };
  const lacking = Object.keys(has).filter((name) => has[name] === false);
  return lacking.length === 0 ? null : `it has no usable ${lacking.join(', ')}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isFile(value: unknown): boolean {
  return isObject(value) && typeof value['name'] === 'string' && typeof value['bytes'] === 'number';
}

function isPlace(value: unknown): boolean {
  try {
    parseCoordinates(String(value));
    return true;
  } catch {
    return false;
  }
}
