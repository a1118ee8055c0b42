import { join } from 'node:path';
import { BACKUP_FILES } from '../../backup/backup-files.ts';
import { attributeBackup } from '../../recovery/attribute-backup.ts';
import { backupsBefore, placeOf } from '../../recovery/choose-backup.ts';
import { openLineageViews } from '../../recovery/lineage-view.ts';
import type { OpenArchive } from '../open-archive.ts';
import { findDefinitionChanges } from './definition-changes.ts';
import type { EvidenceOptions, PlacedIncident } from './evidence-source.ts';
import type { BackupSource, DefinitionSources } from './find-definitions.ts';
import { primaryDefinitions } from './primary-definitions.ts';

/** Where definitions of an incident's tables may be, and what the archive says happened to them in between. */
export async function definitionSources(
  archive: OpenArchive,
  placed: PlacedIncident,
  { live, ...options }: Pick<EvidenceOptions, 'live' | 'log' | 'signal' | 'patienceMs'>,
): Promise<DefinitionSources> {
  const { repository, catalog } = archive;
  const { signal } = options;
  const { incident, view } = placed;
  const first = { file: incident.file, position: incident.start };
  const legs = [{ lineage: view.lineage.id, crossing: null }];
  const views = await openLineageViews({ repository, catalog, signal });
  const { records } = await repository.backups();
  const stands = await Promise.all(records.map((record) => attributeBackup(views, record)));
  const [newest] = backupsBefore(stands.flat(), first, legs);
  const behind = { file: incident.file, position: incident.lastEnd ?? incident.end };
  const backup: BackupSource | null =
    newest === undefined
      ? null
      : {
          id: newest.id,
          path: join(repository.backupFolder(newest.id), BACKUP_FILES.schemas),
          changes: async (tables) =>
            await findDefinitionChanges({ ...placed, from: placeOf(newest), to: behind, signal }, tables),
        };
  return { backup, live: live === null ? null : primaryDefinitions(archive, placed, { ...options, live }) };
}
