import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Repository } from '../../archive/repository.ts';
import { listLineage } from '../../archive/verify-listing.ts';
import { listLineageFolders, listNames } from './lineage-folders.ts';
import { BACKUP_RECORD } from './backups.ts';
import { isWithin, type Since } from './since.ts';

/**
 * About how many plain bytes a verification will read. Only a progress bar asks: what cannot be asked counts for nothing
 * here, and is a finding of the verification itself.
 */
export async function sizeOfArchive(
  repository: Repository,
  options: { readonly since: Since | null; readonly backups: boolean },
): Promise<number> {
  let total = options.backups ? await sizeOfBackups(repository) : 0;
  for (const { id, path } of (await listLineageFolders(repository)).folders) {
    const { files } = await listLineage({ folder: path, lineage: id, base: null, keys: null });
    for (const listed of files) if (isWithin(options.since, listed)) total += listed.segment?.bytes ?? 0;
  }
  return total;
}

async function sizeOfBackups(repository: Repository): Promise<number> {
  let total = 0;
  for (const id of (await listNames(join(repository.path, 'backups'))).names) {
    const folder = repository.backupFolder(id);
    for (const name of (await listNames(folder)).names) {
      if (name === BACKUP_RECORD) continue;
      const size = await stat(join(folder, name)).then(
        (found) => found.size,
        () => 0,
      );
      total += size;
    }
  }
  return total;
}
