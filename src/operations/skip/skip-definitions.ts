import { join } from 'node:path';
import type { Repository } from '../../archive/repository.ts';
import { BACKUP_FILES } from '../../backup/backup-files.ts';
import { stretchesBefore } from '../../recovery/consequences/read-behind.ts';
import { NO_DEFINITIONS, type Definitions } from '../../recovery/consequences/table-facts.ts';
import { keyOf } from '../../recovery/consequences/touch.ts';
import { segmentFinder } from '../../recovery/plan-ranges.ts';
import type { Plan } from '../../recovery/plan.ts';
import { readPart } from '../../recovery/read-part.ts';
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
  repository: Repository,
  plan: Pick<Plan, 'backup' | 'segments' | 'skippedSegments'>,
  signal?: AbortSignal,
): Promise<Definitions> {
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
  return definitionsFrom(dumped, await definedSince(repository, plan, signal));
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
  repository: Repository,
  plan: Pick<Plan, 'segments' | 'skippedSegments'>,
  signal: AbortSignal | undefined,
): Promise<DefinitionLog> {
  const log = new DefinitionLog();
  const findSegment = segmentFinder(repository);
  for (const part of stretchesBefore(plan.segments, plan.skippedSegments)) {
    const segment = await findSegment(part);
    if (segment === undefined) {
      log.doubtAll();
      continue;
    }
    const damage = await readPart(
      { segment, start: { offset: part.from, gtidState: null }, to: part.to, signal },
      (format) => {
        log.enterFile(format, part);
        return log;
      },
    );
    if (damage !== null) log.doubtAll();
  }
  return log;
}
