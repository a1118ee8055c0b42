import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** Real binary log files of many server versions: a folder with `mariadb/` and `mysql/`. It may be absent. */
export const BINLOG_FIXTURES = resolve(ROOT, process.env['LASTGOOD_BINLOG_FIXTURES'] ?? '../shared/fixtures/binlogs');

/** For `describe.skipIf`: true where those files are not on this machine. */
export const BINLOG_FIXTURES_ABSENT = !existsSync(BINLOG_FIXTURES);

/** The absolute path of a real binary log file, for example `mariadb/10.5.15-annotate.000001`. */
export function binlogFixture(name: string): string {
  return join(BINLOG_FIXTURES, name);
}
