import { BACKUP_FILES } from '../backup/backup-files.ts';
import { isSystemSchema } from '../server/facts.ts';

/** Before each schema of a dump, and once more before its views; before each broken view, too, at the dump's start. Source: client/mysqldump.c of MariaDB 10.11, init_dumping. */
export const SCHEMA_MARKER = '-- Current Database: `';

/** How a file says whose its lines are. */
interface Sections {
  /** A line that begins so begins a section. */
  readonly marker: string;
  /** The schema's name in such a line; a section without one, or of the server's own, is for all. */
  readonly schema: RegExp;
}

const QUOTED = '`((?:[^`]|``)*)`';
const OF_SCHEMA: Sections = { marker: SCHEMA_MARKER, schema: new RegExp(`^-- Current Database: ${QUOTED}`) };
const OBJECT = `(?:(?:PROCEDURE|FUNCTION|PACKAGE BODY|PACKAGE) )?${QUOTED}`;

/** By file. A grant is a line, and so is whatever stands between two of them. */
const SECTIONS: ReadonlyMap<string, Sections> = new Map([
  [BACKUP_FILES.schemas, OF_SCHEMA],
  [BACKUP_FILES.triggers, OF_SCHEMA],
  [BACKUP_FILES.rows, { marker: 'INSERT INTO `', schema: new RegExp(`^INSERT INTO ${QUOTED}`) }],
  [BACKUP_FILES.grants, { marker: '', schema: new RegExp(`^GRANT (?:[^\`]|\`(?:[^\`]|\`\`)*\`)*? ON ${OBJECT}\\.\``) }],
]);

/** Longer is no name of a schema, whatever its letters. */
const LONGEST_HEAD = 16 * 1024;

/**
 * A file of a backup without what is of other schemas: tables, rows, views, programs, and grants on single objects, which could not be
 * made. What stands before the first section is for all.
 */
export async function* ofSchemas(
  file: string,
  plain: AsyncIterable<Buffer>,
  keeps: (schema: string) => boolean,
): AsyncGenerator<Buffer> {
  const sections = SECTIONS.get(file);
  if (sections === undefined) {
    yield* plain;
    return;
  }
  const filter = new SectionFilter(sections, keeps);
  for await (const chunk of plain) yield* filter.push(chunk);
  yield* filter.end();
}

/** Passes kept sections on as they come, whatever pieces they come in. */
class SectionFilter {
  readonly #begin: Buffer;
  readonly #schema: RegExp;
  readonly #keeps: (schema: string) => boolean;
  /** What may become a section's head when more comes. */
  #held: Buffer = Buffer.alloc(0);
  #isKept = true;

  constructor({ marker, schema }: Sections, keeps: (schema: string) => boolean) {
    this.#begin = Buffer.from(`\n${marker}`);
    this.#schema = schema;
    this.#keeps = keeps;
  }

  *push(chunk: Buffer): Generator<Buffer> {
    const data = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    let at = 0;
    let start = data.indexOf(this.#begin);
    let end = headEnd(data, start);
    while (end >= 0) {
      const isKept = this.#keepsHead(data.toString('utf8', start + 1, end));
      if (isKept !== this.#isKept) {
        if (this.#isKept) yield data.subarray(at, start + 1);
        at = start + 1;
        this.#isKept = isKept;
      }
      start = data.indexOf(this.#begin, end);
      end = headEnd(data, start);
    }
    const until = start < 0 ? Math.max(at, data.length - this.#begin.length + 1) : start;
    if (this.#isKept && until > at) yield data.subarray(at, until);
    this.#held = Buffer.from(data.subarray(Math.max(at, until)));
  }

  *end(): Generator<Buffer> {
    if (this.#isKept && this.#held.length > 0) yield this.#held;
  }

  #keepsHead(line: string): boolean {
    const schema = this.#schema.exec(line)?.[1];
    return schema === undefined || isSystemSchema(schema) || this.#keeps(schema.replaceAll('``', '`'));
  }
}

/** Where the line ends that begins behind `start`; -1: more of it must come, or there is none. */
function headEnd(data: Buffer, start: number): number {
  if (start < 0) return -1;
  const end = data.indexOf(10, start + 1);
  if (end >= 0) return end;
  return data.length - start > LONGEST_HEAD ? data.length : -1;
}
