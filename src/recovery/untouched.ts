import { LastgoodError } from '../platform/errors.ts';
import type { AppliedPlace } from './applied-place.ts';
import { isInMemory, readFragileTables } from './fragile-tables.ts';
import type { HeldRestore } from './held-restore.ts';
import { readPrimaries } from './preflight/target-facts.ts';
import type { Proof } from './proof.ts';
import type { PhaseOptions } from './restore-phases.ts';
import type { RestoreTarget } from './restore-target.ts';
import { differingTables, listTables, readTableStates } from './table-state.ts';

/**
 * Makes sure that a proven server still is what was proven: somebody may have used it since. Reads every table.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED` naming the tables that are not what they were, or when it is a replica
 */
export async function requireUntouched(
  { admin }: RestoreTarget,
  { datadir, note }: HeldRestore,
  { signal, progress }: Pick<PhaseOptions, 'signal' | 'progress'>,
): Promise<void> {
  if ((await readPrimaries(admin)).length > 0) throw touched(datadir, 'it is a replica now');
  const proven = (note.result as { proof?: Partial<Proof> } | null)?.proof?.tables ?? [];
  const found = await readTableStates(admin, await listTables(admin), {
    signal,
    progress: ({ tables, totalTables }) => progress?.({ step: 'proving', done: tables, total: totalTables }),
  });
  const emptied = new Set((await readFragileTables(admin)).filter(isInMemory).map(({ name }) => name));
  const differing = differingTables(proven, found).filter((name) => !emptied.has(name));
  if (differing.length === 0) return;
  throw touched(datadir, `what differs: ${differing.join(', ')}`);
}

/**
 * Makes sure that nothing which a later transaction may need went with the server's last end.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED`
 */
export async function requireNothingLost(
  { admin }: RestoreTarget,
  { datadir }: HeldRestore,
  place: Pick<AppliedPlace, 'temporaryTables'>,
): Promise<void> {
  const table = (await readFragileTables(admin)).find(isInMemory);
  const memory = table === undefined ? null : `table ${table.name} is in memory only, and empty since`;
  const lost = place.temporaryTables ? 'statements used temporary tables, which are gone' : memory;
  if (lost === null) return;
  throw new LastgoodError(
    'PREFLIGHT_FAILED',
    `the server in '${datadir}' was started anew, and cannot go forward: ${lost}`,
    { details: { datadir }, hint: 'Restore to the later target in another folder.' },
  );
}

function touched(datadir: string, found: string): LastgoodError {
  return new LastgoodError('PREFLIGHT_FAILED', `the server in '${datadir}' was used since it was proven: ${found}`, {
    details: { datadir },
    hint: 'Nothing can be replayed on top of that: restore to the later target in another folder.',
  });
}
