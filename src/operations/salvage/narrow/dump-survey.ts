import { join } from 'node:path';
import type { BackupRecord } from '../../../archive/backup-record.ts';
import type { Repository } from '../../../archive/repository.ts';
import { BACKUP_FILES } from '../../../backup/backup-files.ts';
import { SCHEMA_MARKER } from '../../../recovery/dump-sections.ts';
import { isSystemSchema } from '../../../server/facts.ts';
import { dumpLines } from '../../evidence/definition-of-backup.ts';
import { hasWords, plainWords, SchemaWords } from './schema-words.ts';

const KNOWN_FILES: ReadonlySet<string> = new Set(Object.values(BACKUP_FILES));
const NAME = '`((?:[^`]|``)+)`';
const MARKER = new RegExp(`^-- Current Database: ${NAME}`);
/** Of the tool, which gives no schema: what has one is our own, and goes again. */
const TABLE = new RegExp(`^(?:/\\*!\\d+ )?CREATE (?:TABLE|SEQUENCE) (?:IF NOT EXISTS )?${NAME}(?![.\`])`);
const VIEW = new RegExp(`\\bVIEW (?:${NAME}\\.)?${NAME}`);
/** Its rows come after it, each a line, up to the first that ends the statement. */
const ROWS = new RegExp(`^INSERT INTO ${NAME} (?:\\(.*\\) )?VALUES(?: \\(|\\(|$)`);
/** The tool's last line. */
const COMPLETE = '-- Dump completed';
/** Between these two stands text of people, who may write anything. */
const PROGRAM_BEGINS = 'DELIMITER ;;';
const PROGRAM_ENDS = 'DELIMITER ;';

/** What a backup tells of its schemas. */
export interface DumpSurvey {
  readonly words: SchemaWords;
  /** Why its sections are not certain; null: they are. */
  readonly doubt: string | null;
}

/** Reads the definitions of a backup. @throws when it cannot be read */
export async function surveyDump(
  repository: Pick<Repository, 'backupFolder'>,
  record: BackupRecord,
): Promise<DumpSurvey> {
  const reader = new DumpReader(record.databases);
  const doubts: (string | null)[] = [whyUnknown(record)];
  for (const { name } of record.files) {
    if (name !== BACKUP_FILES.schemas && name !== BACKUP_FILES.triggers) continue;
    reader.begin();
    for await (const line of dumpLines(join(repository.backupFolder(record.id), name))) reader.line(line);
    doubts.push(reader.end());
  }
  return { words: reader.words, doubt: doubts.find((doubt) => doubt !== null) ?? null };
}

function whyUnknown({ tool, files, databases }: BackupRecord): string | null {
  const file = files.find(({ name }) => !KNOWN_FILES.has(name));
  if (tool !== 'mariadb-dump') return `the backup was made by ${tool}`;
  if (file !== undefined) return `the backup has a file ${file.name}`;
  const odd = databases.find((schema) => !hasWords(schema));
  return odd === undefined ? null : `the name of schema '${odd}' has no letter or digit of ASCII`;
}

/** Follows a dump line by line: whose section, and what names its definitions hold. */
class DumpReader {
  readonly words = new SchemaWords();
  readonly #databases: readonly string[];
  /** Our own at the start, of broken views. */
  #first: string[] = [];
  /** Of the dump tool, and behind its end our own, of views. */
  #sections: string[][] = [[]];
  #schema = '';
  #isInRows = false;
  #isInProgram = false;

  constructor(databases: readonly string[]) {
    this.#databases = databases;
    for (const schema of databases) this.words.learn(schema.toLowerCase(), []);
  }

  begin(): void {
    this.#first = [];
    this.#sections = [[]];
    this.#schema = '';
    this.#isInRows = false;
    this.#isInProgram = false;
  }

  /** @returns why the sections may not be what they seem: a program's text may hold such a line, too */
  end(): string | null {
    const [tools, ...own] = this.#sections;
    const [once, twice] = [this.#databases, [...this.#databases, ...this.#databases]];
    const isInOrder = [once, twice].some((order) => JSON.stringify(order) === JSON.stringify(tools));
    const isKnown = [...this.#first, ...own.flat()].every((schema) => this.#databases.includes(schema));
    return isInOrder && isKnown && own.length <= 1 ? null : 'the schemas of the backup do not come in their order';
  }

  line(line: string): void {
    if (line.startsWith(SCHEMA_MARKER)) this.#enter(line);
    else if (line.startsWith(COMPLETE)) this.#sections.push([]);
    else if (this.#isInRows) this.#isInRows = !line.endsWith(';');
    else if (this.#isInProgram) this.#program(line);
    else this.#definition(line);
  }

  #enter(line: string): void {
    const schema = unquote(MARKER.exec(line)?.[1] ?? '');
    if (isSystemSchema(schema)) this.#begins();
    else this.#sections.at(-1)?.push(schema);
    this.#schema = isSystemSchema(schema) ? '' : schema.toLowerCase();
  }

  /** Behind our own at the start, before the tool's. */
  #begins(): void {
    this.#first.push(...this.#sections.flat());
    this.#sections = [[]];
  }

  #program(line: string): void {
    this.#isInProgram = line !== PROGRAM_ENDS;
    this.words.learn(this.#schema, plainWords(line));
  }

  #definition(line: string): void {
    this.#isInProgram = line === PROGRAM_BEGINS;
    if (this.#schema === '') return;
    if (ROWS.test(line)) {
      this.#isInRows = !line.endsWith(';');
      return;
    }
    const table = TABLE.exec(line)?.[1] ?? VIEW.exec(line)?.[2];
    if (table !== undefined) this.words.learnTable(this.#schema, unquote(table));
    this.words.learn(this.#schema, plainWords(line));
  }
}

function unquote(name: string): string {
  return name.replaceAll('``', '`');
}
