/**
 * Under which id an archiver replicates when nobody chose one. Two repositories with the same default would throw each other out, so a
 * new one gets an id of its own and keeps it. An archive that was begun before that keeps the one that it had.
 */
import { keepServerId, readArchiverRecord } from '../archive/archiver-record.ts';
import type { Repository } from '../archive/repository.ts';
import { likelyFreeId } from './archiver-name.ts';
import type { PrimarySettings } from './settings.ts';

/** The primary with the id that its archiver has in this repository, or would have. @throws LastgoodError as `Repository.lineages` */
export async function withServerId(repository: Repository, primary: PrimarySettings): Promise<PrimarySettings> {
  if (primary.usesRepositoryId !== true) return primary;
  const record = await readArchiverRecord(repository.archiverRecordPath(primary.name));
  const fresh = newServerId({ repositoryPath: repository.path, primary });
  if (record === null) return fresh; // on the same machine the same as before, as a rule
  if (record.serverId !== null) return { ...primary, serverId: record.serverId };
  const isBegun = (await repository.lineages()).some(({ name }) => name === primary.name);
  return isBegun ? primary : fresh;
}

/** The same before there is a repository. */
export function newServerId(o: { repositoryPath: string; primary: PrimarySettings }): PrimarySettings {
  const { repositoryPath, primary } = o;
  if (primary.usesRepositoryId !== true) return primary;
  return { ...primary, serverId: likelyFreeId({ repositoryPath, name: primary.name }) };
}

/** The same for an archiver, which holds its lock: what it has now it has for good. @throws LastgoodError `STORAGE_FAILED` */
export async function keptServerId(repository: Repository, primary: PrimarySettings): Promise<PrimarySettings> {
  const numbered = await withServerId(repository, primary);
  const path = repository.archiverRecordPath(primary.name);
  const isKept = primary.usesRepositoryId !== true || (await readArchiverRecord(path))?.serverId === numbered.serverId;
  if (!isKept) await keepServerId(path, numbered.serverId);
  return numbered;
}
