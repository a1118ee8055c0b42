import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BackupRecord } from '../../../../../src/archive/backup-record.ts';
import { BACKUP_FILES } from '../../../../../src/backup/backup-files.ts';
import { writeCompressed } from '../../../../../src/backup/compressed-file.ts';
import { surveyDump, type DumpSurvey } from '../../../../../src/operations/salvage/narrow/dump-survey.ts';
import { makeTempDirectory } from '../../../../../src/platform/temp-dir.ts';

const section = (schema: string, content = ''): string => `\n--\n-- Current Database: \`${schema}\`\n--\n${content}`;
const COMPLETE = '-- Dump completed\n';
const BROKEN = [
  '-- VIEW `b`.`broken` was broken when it was backed up: select `c`.`t`.`x` AS `x` from `c`.`t`',
  'DELIMITER ;;',
  'CREATE PROCEDURE `scratch`.`text`() CREATE OR REPLACE VIEW `b`.`broken` AS select `c`.`t`.`x` AS `x` from `c`.`t`',
  ';;',
  'DELIMITER ;',
  '',
].join('\n');
const STAND_IN = [
  'CREATE TABLE `scratch`.`definition_in_backup` (missing INT);',
  'CREATE DEFINER=`x`@`%` SQL SECURITY DEFINER VIEW `b`.`stands_in` AS SELECT missing FROM `scratch`.`definition_in_backup`;',
  '',
].join('\n');
const TOOL = [
  section('a', 'CREATE TABLE `one` (\n  `i` int\n);\n'),
  section('b', 'CREATE TABLE `two` (\n  `i` int\n);\n'),
  section('c'),
];

/** What a backup of the schemas a, b and c tells when these are the parts of its dump. */
async function survey(...parts: readonly string[]): Promise<DumpSurvey> {
  await using folder = await makeTempDirectory('lastgood-test-');
  await mkdir(join(folder.path, 'b1'));
  const name = BACKUP_FILES.schemas;
  await writeCompressed(join(folder.path, 'b1', name), async (write) => {
    for (const part of parts) await write(part);
  });
  const record = { id: 'b1', tool: 'mariadb-dump', files: [{ name }], databases: ['a', 'b', 'c'] };
  return await surveyDump({ backupFolder: (id) => join(folder.path, id) }, record as unknown as BackupRecord);
}

describe("a dump's survey", () => {
  it('is certain where broken views come first, and has their names and what they name', async () => {
    const { doubt, words } = await survey(
      ...[section('c', BROKEN), section('b', BROKEN + STAND_IN), section('mysql', '-- the tool begins\n')],
      ...[...TOOL, COMPLETE, section('b', 'CREATE VIEW `b`.`whole` AS SELECT 1;\n')],
    );
    expect(doubt).toBe(null);
    expect(words.namedBy('b')).toEqual(['c']);
    expect(words.namedBy('a')).toEqual([]);
    expect(words.tablesOf('b')).toEqual(['broken', 'stands_in', 'two', 'whole']);
  });

  it.each([
    ['an unknown schema has a broken view', [section('d', BROKEN), section('mysql'), ...TOOL, COMPLETE]],
    ['the tool begins in its middle, as a text may say', [TOOL[0] ?? '', section('mysql'), ...TOOL.slice(1), COMPLETE]],
    ['schemas are in no order', [...TOOL.toReversed(), COMPLETE]],
  ])('is not certain where %s', async (_, parts) => {
    expect((await survey(...parts)).doubt).toBe('the schemas of the backup do not come in their order');
  });
});
