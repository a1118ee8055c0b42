import { join } from 'node:path';
import { damageOfFailure, type Damage } from '../../archive/damage.ts';
import { readKeyRing, type KeyRing } from '../../archive/key-ring.ts';
import type { Lineage } from '../../archive/lineage.ts';
import { openRepository, Repository } from '../../archive/repository.ts';
import { whyNoRehearsal, type RehearsalRecord } from '../../archive/rehearsal-record.ts';
import { recordDamage, verifyRecord } from '../../archive/verify-record.ts';
import { verifyLedgerAgainst } from './ledger-lineages.ts';
import { listNames } from './lineage-folders.ts';

/**
 * Opens a repository to look at it, also when its own record is damaged or gone.
 *
 * @throws LastgoodError `REPOSITORY_MISSING`, `REPOSITORY_VERSION`, `FILE_UNREADABLE`, `KEY_FILE_INVALID`
 */
export async function openToVerify(
  path: string,
  keyFile: string | null,
): Promise<{ repository: Repository; damages: readonly Damage[] }> {
  const record = await verifyRecord<{ id: string }>(join(path, 'repository.json'));
  if (record === null && (await listNames(join(path, 'lineages'))).names.length > 0) {
    const damage: Damage = {
      check: 'record',
      path: join(path, 'repository.json'),
      offset: null,
      found: 'it is not there',
    };
    return { repository: new Repository(path, 'unknown', await keysIn(keyFile)), damages: [damage] };
  }
  if (record === null || record.content !== null)
    return { repository: await openRepository(path, { keyFile }), damages: [] };
  return { repository: new Repository(path, 'unknown', await keysIn(keyFile)), damages: record.damages };
}

async function keysIn(keyFile: string | null): Promise<KeyRing | null> {
  return keyFile === null ? null : await readKeyRing(keyFile);
}

/** Verifies the records of rehearsals. */
export async function verifyRehearsals({ path }: Repository): Promise<Damage[]> {
  const folder = join(path, 'rehearsals');
  const { names, damages } = await listNames(folder);
  for (const name of names.filter((name) => name.endsWith('.json')))
    damages.push(...(await verifyRehearsal(join(folder, name))));
  return damages;
}

/** Verifies what archivers that are run from time to time have noted of that. */
export async function verifyArchiverRuns({ path }: Repository): Promise<Damage[]> {
  const { names, damages } = await listNames(path);
  for (const name of names.filter((name) => /^archiver-.*\.json$/.test(name)))
    damages.push(...((await verifyRecord(join(path, name)))?.damages ?? []));
  return damages;
}

async function verifyRehearsal(path: string): Promise<readonly Damage[]> {
  const stored = await verifyRecord<RehearsalRecord>(path);
  if (stored === null || stored.content === null) return stored?.damages ?? [];
  const why = whyNoRehearsal(stored.content);
  return why === null ? stored.damages : [recordDamage(path, why)];
}

/** What the ledger says was lost, which is no damage, and no reason to look away from it; and whether the lineages say the same. */
export async function verifyLedger(repository: Repository, lineages: readonly Lineage[]): Promise<Damage[]> {
  const path = join(repository.path, 'ledger.jsonl');
  try {
    const { entries, problems } = await repository.ledger.read();
    const damages = problems.map((found) => ({ check: 'ledger', path, offset: null, found }) as const);
    const losses = entries.map(({ kind, lineage, from, to, why }) => {
      return {
        check: 'ledger entry',
        path,
        offset: null,
        found: `${kind} in ${lineage}, ${from} to ${to}: ${why}`,
      } as const;
    });
    // Beside a bad line nothing can be said of what is not there.
    const others = problems.length > 0 ? [] : verifyLedgerAgainst(repository, lineages, entries);
    return [...damages, ...others, ...losses];
  } catch (error) {
    return [damageOfFailure(error, { check: 'ledger', path, offset: null })];
  }
}

/** Whoever deletes something relies on every line. */
export async function verifyPins({ path: folder, pins }: Repository): Promise<Damage[]> {
  const path = join(folder, 'pins.jsonl');
  try {
    return (await pins.read()).problems.map((found) => ({ check: 'pins', path, offset: null, found }));
  } catch (error) {
    return [damageOfFailure(error, { check: 'pins', path, offset: null })];
  }
}
