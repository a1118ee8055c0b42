import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LastgoodError } from '../platform/errors.ts';
import type { AppliedPlace } from './applied-place.ts';
import { isInMemory, readFragileTables } from './fragile-tables.ts';
import type { HeldRestore } from './held-restore.ts';
import { readPrimaries } from './preflight/target-facts.ts';
import type { Proof } from './proof.ts';
import type { PhaseOptions } from './restore-phases.ts';
import type { RestoreTarget } from './restore-target.ts';
import { differingTables, listTables, readTableStates } from './table-state.ts';

/** Of the default connection, and of one with a name. Source: MariaDB 10.11 sql/rpl_mi.cc, create_logfile_name_with_suffix. */
const PRIMARY_FILE = /^master(?:-.*)?\.info$/;
/** Source: MariaDB 10.11 sql/rpl_mi.cc, flush_master_info: the number of lines, a file, a position, the host. */
const HOST_LINE = 3;

/**
 * Makes sure, without a word to the server there and before it is stopped to be compared, that nobody made it a replica: stopped and
 * started it would replicate no more. Its files tell, running or not: its accounts are other people's.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED`; `FILE_UNREADABLE` where they do not tell
 */
export async function refuseReplica({ datadir }: Pick<HeldRestore, 'datadir'>): Promise<void> {
  for (const name of (await readdir(datadir)).filter((one) => PRIMARY_FILE.test(one))) {
    const host = (await readPrimaryFile(join(datadir, name))).split('\n')[HOST_LINE] ?? '';
    if (host !== '')
      throw touched(datadir, 'it is a replica now', 'The server is as it was: it was neither stopped nor started. ');
  }
}

async function readPrimaryFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new LastgoodError(
      'FILE_UNREADABLE',
      `'${path}' cannot be read, which tells whether the server is a replica`,
      {
        cause,
        details: { path },
      },
    );
  }
}

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

/** The refusal of a server that ran: what stopping it took away comes back by itself no more than it is seen. */
export function startedAgain(error: LastgoodError): LastgoodError {
  const { code, message, details, hint } = error;
  const told =
    'The server was stopped to be compared, and runs again: sessions were cut, and what SET GLOBAL had set is gone.';
  return new LastgoodError(code, message, { cause: error, details, hint: `${hint} ${told}` });
}

function touched(datadir: string, found: string, first = ''): LastgoodError {
  return new LastgoodError('PREFLIGHT_FAILED', `the server in '${datadir}' was used since it was proven: ${found}`, {
    details: { datadir },
    hint: `${first}Nothing can be replayed on top of that: restore to the later target in another folder.`,
  });
}
