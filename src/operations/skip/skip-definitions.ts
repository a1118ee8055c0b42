import { join } from 'node:path';
import { BACKUP_FILES } from '../../backup/backup-files.ts';
import { readBehind, stretchesBefore, type BehindSource } from '../../recovery/consequences/read-behind.ts';
import { NO_DEFINITIONS, type Definitions } from '../../recovery/consequences/table-facts.ts';
import { keyOf } from '../../recovery/consequences/touch.ts';
import type { Plan } from '../../recovery/plan.ts';
import { DefinitionLog } from './definition-log.ts';
import { readDumpDefinitions, type DumpDefinitions } from './dump-definitions.ts';
import { wordsOf } from './words.ts';

/**
 * What is known of how tables were defined where groups are skipped: the plan's backup has definitions, and the log up to the
 * last skipped group tells which of them may be other ones by then. A backup that cannot be read knows nothing.
 *
 * @throws LastgoodError `ARCHIVE_DAMAGED`, `INTERRUPTED`
 */
export async function findSkipDefinitions(
  plan: Pick<Plan, 'backup' | 'segments' | 'skippedSegments'>,
  source: BehindSource,
): Promise<Definitions> {
  const { repository } = source;
  const { id, files } = plan.backup;
  const names = [BACKUP_FILES.schemas, BACKUP_FILES.triggers].filter((name) =>
    files.some((file) => file.name === name),
  );
  if (!names.includes(BACKUP_FILES.schemas))
    return { ...NO_DEFINITIONS, foreignKeysUnknown: `backup ${id} has no definitions in text form` };
  const paths = names.map((name) => join(repository.backupFolder(id), name));
  let dumped: DumpDefinitions;
  try {
    dumped = await readDumpDefinitions(paths);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { ...NO_DEFINITIONS, foreignKeysUnknown: `the definitions in backup ${id} cannot be read: ${why}` };
  }
  return definitionsFrom(dumped, await definedSince(plan, source));
}

function definitionsFrom(dumped: DumpDefinitions, since: DefinitionLog): Definitions {
  // A table takes its foreign keys with it to a new name, or gets others with a new definition, which says REFERENCES.
  const isMoved = dumped.foreignKeys.some(({ child, parent }) => since.renames(child) || since.renames(parent));
  return {
    table: (table) => (since.defines(table) ? null : (dumped.tables.get(keyOf(table)) ?? null)),
    foreignKeys: dumped.foreignKeys,
    foreignKeysUnknown: since.refers || isMoved ? 'a statement behind the backup may have defined others' : null,
    held: (table) =>
      table.type !== 'table' || since.defines(table)
        ? null
        : dumped.tables.has(keyOf(table)) || dumped.unreadable.has(keyOf(table)),
    isUsedIndirectly: (table) => {
      return wordsOf(table.name ?? '').every((word) => dumped.words.has(word)) || since.mentions(table);
    },
  };
}

async function definedSince(
  plan: Pick<Plan, 'segments' | 'skippedSegments'>,
  source: BehindSource,
): Promise<DefinitionLog> {
  const log = new DefinitionLog();
  const onDamage = (): void => {
    log.doubtAll();
  };
  await readBehind(stretchesBefore(plan.segments, plan.skippedSegments), log, { ...source, onDamage });
  return log;
}
