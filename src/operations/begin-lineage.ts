import { createHash } from 'node:crypto';
import type { HandOver, Lineage } from '../archive/lineage.ts';
import type { Repository } from '../archive/repository.ts';
import { peekFile, type Source } from './source-log.ts';

/** What a new lineage is to the one before it. */
export interface LineageBeginning {
  /** The source's file with which it begins. */
  readonly file: string;
  readonly parent: Lineage | null;
  readonly handOver: HandOver | null;
}

/** The lineage that begins with one of the source's files; `save` makes it one of the repository's. */
export async function newLineage(source: Source, { file, parent, handOver }: LineageBeginning): Promise<Lineage> {
  const head = await peekFile(source, file);
  const { name } = source.primary;
  const facts = {
    flavor: source.flavor,
    ...source.identity,
    firstFile: file,
    firstOpenedAt: head.format.time,
    firstGtidState: head.gtidStart,
  };
  const id = `${name}-${digestOf(parent === null ? facts : { ...facts, parent: parent.id })}`;
  return { format: 1, id, name, ...facts, parent: parent?.id ?? null, handOver, createdAt: timeAfter(parent) };
}

/** Begins the first lineage of a [primary] name, with the oldest file that its source has. */
export async function beginFirstLineage(repository: Repository, source: Source): Promise<Lineage> {
  const lineage = await newLineage(source, { file: source.logs[0]?.file ?? '', parent: null, handOver: null });
  await repository.writeLineage(lineage);
  return lineage;
}

/** A log that was reset can have its first file's name, time and GTIDs again: the parent tells the two apart. */
function digestOf(facts: object): string {
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 8);
}

/** Now, or just after the parent's beginning when this machine's clock was put back: lists are ordered by it. */
function timeAfter(parent: Lineage | null): string {
  const earliest = parent === null ? 0 : Date.parse(parent.createdAt) + 1;
  return new Date(Math.max(Date.now(), earliest)).toISOString();
}
