import { join } from 'node:path';
import { whyNoBackup, type BackupRecord } from '../../archive/backup-record.ts';
import type { Damage } from '../../archive/damage.ts';
import { recordDamage, verifyRecord } from '../../archive/verify-record.ts';
import { examineBackup } from '../../recovery/examine-backup.ts';
import type { LineageView } from '../../recovery/lineage-view.ts';
import { mapInOrder } from './in-order.ts';
import { listFolders, listNames } from './lineage-folders.ts';
import type { VerifyContext } from './verify-context.ts';

/** Written last; without it a folder is no backup. */
export const BACKUP_RECORD = 'backup.json';

/** A backup whose record can be relied on. */
interface StoredBackup {
  readonly folder: string;
  readonly record: BackupRecord;
}

/**
 * Verifies every backup: its record, the size and hash of each of its files, and that the archive covers its place.
 *
 * @param views of the lineages as they were read
 * @param isUnreadLineage of which nothing could be read: what they cover is not known
 */
export async function verifyBackups(
  context: VerifyContext,
  views: readonly LineageView[],
  isUnreadLineage: (lineage: string) => boolean,
): Promise<{ backups: number; damages: Damage[] }> {
  const { repository, since } = context;
  const { names, damages } = await listFolders(join(repository.path, 'backups'));
  const isUnread = damages.some(({ check }) => check === 'readable');
  const known = new Set(isUnread ? [] : context.known.backupIds()); // not seen is not gone
  const ids = names.filter((name) => !name.endsWith('.partial'));
  for (const id of [...known].filter((id) => !ids.includes(id)))
    damages.push(gone(repository.backupFolder(id), 'it is not there, though the catalog has it'));
  for (const id of ids) {
    const folder = repository.backupFolder(id);
    const { record, damages: ofRecord } = await readRecord(id, join(folder, BACKUP_RECORD));
    damages.push(...ofRecord);
    if (record === null) continue;
    const backup = { folder, record };
    const ofFiles = [...(await verifyFiles(context, backup)), ...(await findForeign(backup))];
    damages.push(...ofFiles);
    if (isUnreadLineage(record.primary.lineage ?? '')) continue;
    if (ofFiles.length === 0 && (since === null || isRead(views, backup)))
      damages.push(...(await verifyCoverage(views, backup)));
  }
  return { backups: ids.length, damages };
}

/** @returns the record, null when it cannot be relied on, and what is wrong with it */
async function readRecord(id: string, path: string): Promise<{ record: BackupRecord | null; damages: Damage[] }> {
  const stored = await verifyRecord<BackupRecord>(path);
  if (stored === null) return { record: null, damages: [gone(path, 'it is not there: the backup is not used')] };
  const { content: record } = stored;
  if (record !== null && record.id !== id) {
    const found = `its id is '${record.id}', not the name of its folder`;
    return { record: null, damages: [recordDamage(path, found)] };
  }
  const why = record === null ? null : whyNoBackup(record);
  if (why !== null) return { record: null, damages: [recordDamage(path, why)] };
  return { record, damages: [...stored.damages, ...(stored.isUnhashed ? [unhashed(path)] : [])] };
}

function gone(path: string, found: string): Damage {
  return { check: 'backup', path, offset: null, found };
}

function unhashed(path: string): Damage {
  const found = 'it has no hash of its own: a change of it would not be seen here';
  return { check: 'backup not hashed', path, offset: null, found };
}

async function verifyFiles({ readers }: VerifyContext, { folder, record }: StoredBackup): Promise<Damage[]> {
  const damages: Damage[] = [];
  const checked = mapInOrder(record.files, readers.width, async ({ name, bytes, sha256 }) =>
    readers.run({ kind: 'file', path: join(folder, name), bytes, sha256 }),
  );
  for await (const damage of checked) if (damage !== null) damages.push(damage);
  return damages;
}

async function findForeign({ folder, record }: StoredBackup): Promise<Damage[]> {
  const ours = new Set([BACKUP_RECORD, ...record.files.map(({ name }) => name.split('/')[0] ?? name)]);
  const { names, damages } = await listNames(folder);
  const foreign = names.filter((name) => !ours.has(name));
  const found = `${BACKUP_RECORD} does not name it: nobody here wrote it`;
  return [
    ...damages,
    ...foreign.map((name): Damage => ({ check: 'foreign file', path: join(folder, name), offset: null, found })),
  ];
}

function isRead(views: readonly LineageView[], { record }: StoredBackup): boolean {
  const { lineage, coordinates } = record.primary;
  const view = views.find((candidate) => candidate.lineage.id === lineage);
  return view?.segments.some(({ digest }) => coordinates.startsWith(`${digest.file}:`)) === true;
}

async function verifyCoverage(views: readonly LineageView[], { folder, record }: StoredBackup): Promise<Damage[]> {
  const { why } = (await examineBackup(views, record, folder)).main;
  if (why === null) return [];
  return [{ check: 'backup coverage', path: join(folder, BACKUP_RECORD), offset: null, found: why }];
}
