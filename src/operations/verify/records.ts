import { join } from 'node:path';
import { damageOfFailure, type Damage } from '../../archive/damage.ts';
import { readKeyRing } from '../../archive/key-ring.ts';
import { openRepository, Repository } from '../../archive/repository.ts';
import { verifyRecord } from '../../archive/verify-record.ts';
import { listNames } from './lineage-folders.ts';

/**
 * Opens a repository to look at it, also when its own record is damaged.
 *
 * @throws LastgoodError `REPOSITORY_MISSING`, `REPOSITORY_VERSION`, `FILE_UNREADABLE`, `KEY_FILE_INVALID`
 */
export async function openToVerify(
  path: string,
  keyFile: string | null,
): Promise<{ repository: Repository; damages: readonly Damage[] }> {
  const record = await verifyRecord<{ id: string }>(join(path, 'repository.json'));
  if (record === null || record.content !== null)
    return { repository: await openRepository(path, { keyFile }), damages: [] };
  const keys = keyFile === null ? null : await readKeyRing(keyFile);
  return { repository: new Repository(path, 'unknown', keys), damages: record.damages };
}

/** Verifies the records of rehearsals. */
export async function verifyRehearsals({ path }: Repository): Promise<Damage[]> {
  const folder = join(path, 'rehearsals');
  const { names, damages } = await listNames(folder);
  for (const name of names.filter((name) => name.endsWith('.json')))
    damages.push(...((await verifyRecord(join(folder, name)))?.damages ?? []));
  return damages;
}

/** What the ledger says was lost; it is no damage, and no reason to look away from it. */
export async function verifyLedger(repository: Repository): Promise<Damage[]> {
  const path = join(repository.path, 'ledger.jsonl');
  try {
    const entries = await repository.ledger.entries();
    return entries.map(({ kind, lineage, from, to, why }) => {
      return { check: 'ledger entry', path, offset: null, found: `${kind} in ${lineage}, ${from} to ${to}: ${why}` };
    });
  } catch (error) {
    return [damageOfFailure(error, { check: 'ledger', path, offset: null })];
  }
}
