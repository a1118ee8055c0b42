import { readSegmentFormat } from '../../archive/read-segment.ts';
import type { ArchivedSegment } from '../../archive/repository.ts';
import type { Incident } from '../../incident/incident.ts';
import type { DescribedGroup } from './group-describer.ts';
import { readDescribed } from './read-described.ts';

/** Of a group with more, the one that is looked for may be missed: then the short text is shown. */
const MOST_STATEMENTS = 10_000;

/** The statement of an incident as the log has it, from end to end, passwords redacted. @throws LastgoodError `ARCHIVE_DAMAGED` */
export async function readWholeStatement(source: {
  readonly incident: Incident;
  readonly segment: ArchivedSegment;
  readonly signal?: AbortSignal | undefined;
}): Promise<string> {
  const { incident, segment, signal } = source;
  const { start, end, statement } = incident;
  const { format } = await readSegmentFormat(segment);
  const found: DescribedGroup[] = [];
  await readDescribed({
    ...{ segment, to: end, signal },
    start: { format, offset: start, gtidState: null },
    statements: { most: MOST_STATEMENTS, characters: Infinity },
    visit: (group) => {
      found.push(group);
      return false;
    },
  });
  // A secret across the place where the short one was cut may be redacted otherwise: the beginning decides.
  const head = statement.slice(0, BEGINNING).replace(/…$/, '');
  const statements = found.flatMap((group) => group.statements);
  return statements.find((text) => text.startsWith(head) && text.length >= statement.length) ?? statement;
}

const BEGINNING = 1000;
