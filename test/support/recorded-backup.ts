import { join } from 'node:path';
import type { BackupRecord } from '../../src/archive/backup-record.ts';
import { openRepository, writeRecord } from '../../src/archive/repository.ts';
import { formatCoordinates, type Coordinates } from '../../src/binlog/coordinates.ts';
import { makeDirectory } from '../../src/platform/durable-file.ts';
import { readBinlogEnd } from '../../src/server/binary-logs.ts';
import { aBackup } from './in-memory-log.ts';
import type { TestServer } from './servers.ts';

/** Where a server's log stands now, as a backup would note it. */
export async function pointOf(server: TestServer): Promise<{ coordinates: Coordinates; gtid: string }> {
  await using connection = await server.connect();
  const { coordinates, gtidState } = await readBinlogEnd(connection);
  return { coordinates, gtid: gtidState };
}

/** Writes the record of a backup in the newest lineage that nobody took: planning looks only at records and at the archive. */
export async function recordBackup(
  repositoryPath: string,
  id: string,
  point: { coordinates: Coordinates; gtid: string },
): Promise<BackupRecord> {
  const repository = await openRepository(repositoryPath);
  const lineage = (await repository.lineages()).at(-1);
  const made = aBackup(formatCoordinates(point.coordinates), {
    id,
    gtid: point.gtid,
    lineage: lineage?.id ?? null,
    finishedAt: Math.floor(Date.now() / 1000),
  });
  const { serverId } = lineage ?? made.primary;
  const record = { ...made, primary: { ...made.primary, serverId } };
  await makeDirectory(repository.backupFolder(id));
  await writeRecord(join(repository.backupFolder(id), 'backup.json'), record);
  return record;
}
