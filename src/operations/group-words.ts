import { readSegmentAt, type Repository } from '../archive/repository.ts';
import { readSegmentFormat } from '../archive/read-segment.ts';
import { isLastgoodError } from '../platform/errors.ts';
import type { PlacedGroup } from '../recovery/neighbours.ts';
import type { DescribedGroup } from './evidence/group-describer.ts';
import { readDescribed } from './evidence/read-described.ts';

const MIB = 1024 * 1024;
/** Nobody waits until a larger group is read. */
const MOST_BYTES = 8 * MIB;
const SHOWN_TABLES = 3;
const SHOWN_CHARACTERS = 60;

/**
 * Says in a few words what a group did: `a commit on shop.orders`, or its statement, passwords redacted. null when it cannot
 * be read there: a plan does not need it.
 */
export async function groupWords(
  repository: Repository,
  lineage: string,
  { file, start, end }: PlacedGroup,
): Promise<string | null> {
  if (end - start > MOST_BYTES) return `a transaction of ${Math.round((end - start) / MIB)} MiB`;
  try {
    const folder = repository.lineageFolder(lineage);
    const segment = await readSegmentAt({ folder, lineage, file, keys: repository.keys });
    if (segment === null) return null;
    const { format } = await readSegmentFormat(segment);
    const found: DescribedGroup[] = [];
    await readDescribed({
      segment,
      start: { format, offset: start, gtidState: null },
      to: end,
      statements: { most: 1, characters: SHOWN_CHARACTERS },
      visit: (group) => {
        found.push(group);
        return false;
      },
    });
    const group = found.find((one) => one.start === start && one.end === end);
    return group === undefined ? null : inWords(group);
  } catch (error) {
    if (isLastgoodError(error)) return null;
    throw error;
  }
}

function inWords({ changes, statements, phase }: DescribedGroup): string {
  const tables = changes.map(({ schema, table }) => `${schema}.${table}`);
  const more = tables.length > SHOWN_TABLES ? ` and ${tables.length - SHOWN_TABLES} more` : '';
  const what = phase?.step === 'begun' ? 'a prepared transaction' : 'a commit';
  if (tables.length > 0) return `${what} on ${tables.slice(0, SHOWN_TABLES).join(', ')}${more}`;
  const [statement] = statements;
  return statement?.replaceAll(/\s+/g, ' ').trim() ?? what;
}
