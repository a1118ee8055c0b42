import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeCompressed } from '../../../../src/backup/compressed-file.ts';
import { definitionsInDump } from '../../../../src/operations/evidence/definition-of-backup.ts';
import { makeTempDirectory } from '../../../../src/platform/temp-dir.ts';

const DUMP = [
  'USE `other`;',
  'CREATE TABLE `t` (',
  '  `wrong` int(11) DEFAULT NULL',
  ') ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;',
  'USE `shop`;',
  'CREATE TABLE `t``1` (',
  '  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,',
  "  `a``b` enum('x','CHARACTER SET latin1','it''s') DEFAULT 'x',",
  "  `c` varchar(50) CHARACTER SET latin1 COLLATE latin1_bin DEFAULT 'AS (' COMMENT 'GENERATED ALWAYS AS (1)',",
  '  `d` text DEFAULT NULL,',
  '  `e` varbinary(20) DEFAULT NULL,',
  '  `f` text COLLATE utf8mb3_bin DEFAULT NULL,',
  '  `g` int(11) GENERATED ALWAYS AS (`id` + 1) STORED,',
  '  `h` double(10,2) DEFAULT NULL,',
  '  PRIMARY KEY (`id`,`a``b`(3)),',
  '  KEY `k` (`c`)',
  ") ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=latin2 COMMENT='DEFAULT CHARSET=sjis';",
  `INSERT INTO \`t\` VALUES (1,'${'x'.repeat(2 * 1024 * 1024)}');`,
].join('\n');

describe('a table in a dump', () => {
  it('is found by schema and name, with what row images do not say', async () => {
    await using folder = await makeTempDirectory('lastgood-definitions-');
    const path = join(folder.path, 'dump.sql.zst');
    await writeCompressed(path, async (write) => {
      await write(DUMP);
    });
    const found = await definitionsInDump(path, new Set(['shop\0t`1', 'shop\0none']), 'backup b');
    expect([...found.keys()]).toEqual(['shop\0t`1']);
    expect(found.get('shop\0t`1')).toEqual({
      source: 'backup',
      from: 'backup b',
      primaryKey: ['id', 'a`b'],
      columns: [
        { name: 'id', type: 'int(10) unsigned', charset: null, generated: false, nullable: false },
        {
          name: 'a`b',
          type: "enum('x','CHARACTER SET latin1','it''s')",
          charset: 'latin2',
          generated: false,
          nullable: true,
        },
        { name: 'c', type: 'varchar(50)', charset: 'latin1', generated: false, nullable: true },
        { name: 'd', type: 'text', charset: 'latin2', generated: false, nullable: true },
        { name: 'e', type: 'varbinary(20)', charset: null, generated: false, nullable: true },
        { name: 'f', type: 'text', charset: 'utf8mb3', generated: false, nullable: true },
        { name: 'g', type: 'int(11)', charset: null, generated: true },
        { name: 'h', type: 'double(10,2)', charset: null, generated: false, nullable: true },
      ],
    });
  });

  it('is not found in what is no dump, and that is said', async () => {
    await using folder = await makeTempDirectory('lastgood-definitions-');
    await expect(definitionsInDump(join(folder.path, 'none'), new Set(['a\0b']), 'backup b')).rejects.toThrow('ENOENT');
  });
});
