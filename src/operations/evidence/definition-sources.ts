import { join } from 'node:path';
import { BACKUP_FILES } from '../../backup/backup-files.ts';
import { attributeBackup } from '../../recovery/attribute-backup.ts';
import { backupsBefore, placeOf } from '../../recovery/choose-backup.ts';
import { openLineageViews } from '../../recovery/lineage-view.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { archivedTo, readExposure, type ArchivedTo } from '../exposure.ts';
import type { OpenArchive } from '../open-archive.ts';
import { findDefinitionChanges } from './definition-changes.ts';
import type { EvidenceOptions, PlacedIncident } from './evidence-source.ts';
import type { BackupSource, Changes, DefinitionSources, LiveSource } from './find-definitions.ts';
import type { MappedTable } from './mapped-table.ts';
import { tableKey } from './table-definition.ts';

/** Where definitions of an incident's tables may be, and what the archive says happened to them in between. */
export async function definitionSources(
  { repository, catalog }: OpenArchive,
  placed: PlacedIncident,
  { live, signal }: Pick<EvidenceOptions, 'live' | 'signal'>,
): Promise<DefinitionSources> {
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
  const end = archivedTo(catalog, view.lineage);
  return { backup, live: live === null ? null : liveSource(placed, { open: live, end, signal }) };
}

function liveSource(
  placed: PlacedIncident,
  o: {
    readonly open: () => Promise<ServerConnection>;
    readonly end: ArchivedTo | null;
    readonly signal?: AbortSignal | undefined;
  },
): LiveSource {
  const { incident } = placed;
  const { open, end, signal } = o;
  return {
    open,
    changes: async (tables, connection) => {
      if (end === null) return all(tables, 'the archive is empty');
      const { exposure, findings } = await readExposure(connection.options, end);
      if (exposure.seconds !== 0 || exposure.groups !== 0) {
        const [finding] = findings.filter(({ severity }) => severity === 'error');
        const why = finding?.found ?? 'the archive does not reach the present: archive to the end, then ask again';
        return all(tables, why);
      }
      const from = { file: incident.file, position: incident.start };
      return await findDefinitionChanges({ ...placed, from, to: end, signal }, tables);
    },
  };
}

function all(tables: readonly MappedTable[], why: string): Changes {
  return new Map(tables.map((table) => [tableKey(table), why]));
}
