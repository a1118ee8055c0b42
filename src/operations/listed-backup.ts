import type { BackupRecord } from '../archive/backup-record.ts';
import type { UnreadableRecord } from '../archive/stored-records.ts';
import type { StoredBackups } from './examine-backups.ts';
import type { Finding } from './finding.ts';

/** A backup, and whether a restore could start from it now. */
export type KnownBackup = BackupRecord & { readonly usable: boolean; readonly why: string | null };

/** A backup whose record cannot be relied on: its folder is there, what it holds is not known. */
export interface UnknownBackup extends Readonly<
  Record<'method' | 'tool' | 'toolVersion' | 'startedAt' | 'finishedAt' | 'bytes', null>
> {
  readonly id: string;
  readonly replica: Readonly<Record<'server' | 'coordinates' | 'gtid', null>>;
  readonly primary: Readonly<Record<'server' | 'lineage' | 'coordinates' | 'gtid', null>>;
  readonly usable: false;
  readonly why: string;
}

export type ListedBackup = KnownBackup | UnknownBackup;

/** True unless nothing is known of it but its id. */
export function isKnown(backup: ListedBackup): backup is KnownBackup {
  return backup.startedAt !== null;
}

/** Oldest first. Ids begin with the time: one that cannot be read stands where its id says, and last where that says nothing. */
export function listedBackups({ examined, unreadable }: StoredBackups): ListedBackup[] {
  const listed: ListedBackup[] = examined.map(({ main: { record, why } }) => ({
    ...record,
    usable: why === null,
    why,
  }));
  for (const one of unreadable) {
    const later = listed.findIndex(({ id }) => id > one.id);
    listed.splice(later < 0 ? listed.length : later, 0, unknown(one));
  }
  return listed;
}

function unknown({ id, error }: UnreadableRecord): UnknownBackup {
  return {
    ...{ id, method: null, tool: null, toolVersion: null, startedAt: null, finishedAt: null, bytes: null },
    replica: { server: null, coordinates: null, gtid: null },
    primary: { server: null, lineage: null, coordinates: null, gtid: null },
    ...{ usable: false, why: error.message },
  };
}

/** One finding for each backup that no restore takes, because its record cannot be relied on. */
export function unreadableFindings(unreadable: readonly UnreadableRecord[]): Finding[] {
  return unreadable.map(({ id, error }) => {
    const found = `no restore takes it, and what it needs is not known: ${error.message}`;
    return { severity: 'warning', check: 'backup usable', object: id, found, fix: error.hint };
  });
}
