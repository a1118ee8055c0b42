import { describe, expect, it } from 'vitest';
import { BACKUP_FILES } from '../../../src/backup/backup-files.ts';
import { ofSchemas } from '../../../src/recovery/dump-sections.ts';

const head = '-- dump\nSET NAMES utf8mb4;\n';
const section = (schema: string, content: string): string => `\n--\n-- Current Database: \`${schema}\`\n--\n${content}`;

/** In pieces of so many bytes. */
async function* pieces(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function kept(file: string, text: string, schemas: readonly string[], size = 7): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of ofSchemas(file, pieces(text, size), (name) => schemas.includes(name))) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('a backup without other schemas', () => {
  const dump = [
    head,
    section('a', "CREATE TABLE `x` (i INT);\nINSERT INTO `x` VALUES (' -- Current Database: `b`');\n"),
    section('tick`s'.replaceAll('`', '``'), 'CREATE TABLE `y` (i INT);\n'),
    section('b', 'CREATE TABLE `z` (i INT);\n'),
    section('a', 'CREATE VIEW `v` AS SELECT 1;\n'),
  ];

  it.each([1, 2, 3, 23, 24, 25, 64, 10_000])('is the same in pieces of %i bytes', async (size) => {
    const text = dump.join('');
    // What stands before a section's own line, a comment's line, is of the section before it.
    expect(await kept(BACKUP_FILES.schemas, text, ['a', 'b', 'tick`s'], size)).toBe(text);
    const ofB = await kept(BACKUP_FILES.schemas, text, ['b'], size);
    expect(ofB).toBe(`${head}\n--\n${(dump[3] ?? '').slice('\n--\n'.length)}\n--\n`);
    const others = await kept(BACKUP_FILES.schemas, text, ['a', 'tick`s'], size);
    expect(others).not.toContain('`z`');
    for (const name of ['`x`', '`y`', '`v`']) expect(others).toContain(name);
  });

  it('has what stands behind a section of the server itself, as the first lines of a tool that come behind broken views', async () => {
    const first = section('a', 'CREATE VIEW `broken` AS SELECT 1;\n');
    const text = [first, section('mysql', head), ...dump.slice(1)].join('');
    expect(await kept(BACKUP_FILES.schemas, text, ['a', 'b', 'tick`s'])).toBe(text);
    const ofB = await kept(BACKUP_FILES.schemas, text, ['b']);
    expect(ofB).toContain(head);
    expect(ofB).not.toMatch(/VIEW|`x`|`y`/);
    expect(ofB).toContain('`z`');
  });

  it('leaves the rows of other schemas out, and grants on their objects, but no account and no grant on more', async () => {
    const rows = [
      'SET NAMES utf8mb4;\n',
      'BEGIN;\nINSERT INTO `a`.`x` (`i`) VALUES (1),\n(2);\nCOMMIT;\n',
      'BEGIN;\nINSERT INTO `b`.`z` (`i`) VALUES (3);\nINSERT INTO `b`.`z` (`i`) VALUES (4);\nCOMMIT;\n',
      'BEGIN;\nINSERT INTO `a`.`w` (`i`) VALUES (5);\nCOMMIT;\n',
    ].join('');
    const own = await kept(BACKUP_FILES.rows, rows, ['a']);
    expect(own).not.toContain('`b`');
    expect(own.match(/VALUES|\(\d\)/g)).toEqual(['VALUES', '(1)', '(2)', 'VALUES', '(5)']);

    const keeps = [
      'SET NAMES utf8mb4;',
      'REVOKE ALL PRIVILEGES, GRANT OPTION FROM `role`;',
      'CREATE OR REPLACE USER `u`@`%`;',
      'GRANT USAGE ON *.* TO `u`@`%`;',
      'GRANT SELECT ON `b`.* TO `u`@`%`;',
      'GRANT SELECT (`b`.``), UPDATE ON `a`.`x` TO `u`@`%`;',
      'GRANT `role` TO `u`@`%`;',
      'GRANT SELECT, DELETE ON `mysql`.`global_priv` TO `mariadb.sys`@`localhost`;',
    ];
    const goes = ['GRANT SELECT (`i`) ON `b`.`z` TO `u`@`%`;', 'GRANT EXECUTE ON PROCEDURE `b`.`p` TO `u`@`%`;'];
    const all = keeps.flatMap((line, index) => [line, ...(index === 4 ? goes : [])]);
    expect((await kept(BACKUP_FILES.grants, `${all.join('\n')}\n`, ['a'])).trim().split('\n')).toEqual(keeps);
  });

  it('passes files on that are of no schema', async () => {
    expect(await kept(BACKUP_FILES.accounts, 'CREATE USER `b`;\n', [])).toBe('CREATE USER `b`;\n');
  });
});
