import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compress } from 'zstd-napi';
import { describe, expect, it } from 'vitest';
import { readDumpDefinitions } from '../../../../src/operations/skip/dump-definitions.ts';
import { makeTempDirectory } from '../../../../src/platform/temp-dir.ts';

const DUMP = [
  'USE `sh``op`;',
  'CREATE TABLE `orders` (',
  '  `id` int(11) NOT NULL AUTO_INCREMENT,',
  "  `state` varchar(20) DEFAULT 'PRIMARY KEY (`x`)',",
  '  `customer` int(11) DEFAULT NULL,',
  "  `twice` int(11) GENERATED ALWAYS AS (`id` * 2) VIRTUAL COMMENT 'no DEFAULT',",
  "  `day` date NOT NULL COMMENT 'no DEFAULT here' CHECK (`day` > 0),",
  '  PRIMARY KEY (`id`),',
  '  UNIQUE KEY `by_state` (`state`(5),`customer`) USING BTREE,',
  '  KEY `customer` (`customer`),',
  '  CONSTRAINT `c1` FOREIGN KEY (`customer`) REFERENCES `customers` (`id`) ON DELETE CASCADE,',
  '  CONSTRAINT `c2` FOREIGN KEY (`customer`, `d``y`) REFERENCES `crm`.`people` (`id`, `at`) ON DELETE SET NULL ON UPDATE NO ACTION',
  ") ENGINE=InnoDB DEFAULT CHARSET=latin2 COLLATE=latin2_croatian_ci COMMENT='DEFAULT CHARSET=utf8';",
  'CREATE TABLE `odd` (',
  '  `id` int(11) NOT NULL,',
  '  UNIQUE KEY `e` ((`id` + 1))',
  ') ENGINE=InnoDB;',
  'INSERT INTO `orders` VALUES',
  "(1,'CREATE TABLE `hidden` (',NULL),",
  "(2,'word_in_rows',NULL);",
  'DELIMITER ;;',
  '/*!50003 CREATE TRIGGER log_it AFTER INSERT ON orders FOR EACH ROW INSERT INTO audit VALUES (1) */;;',
  'SET NEW.x = (SELECT COUNT(*) FROM counted)',
  'CREATE TABLE `orders` (',
  'INSERT INTO filled',
  'DELIMITER ;',
  'DELIMITER //',
  'USE `elsewhere`;',
  'DELIMITER ;',
];

describe('a dump', () => {
  it('tells columns, keys and foreign keys of its tables, and which names its triggers and views mention', async () => {
    await using folder = await makeTempDirectory('lastgood-test-');
    const path = join(folder.path, 'dump.sql.zst');
    await writeFile(path, compress(Buffer.from(`${DUMP.join('\n')}\n`)));

    const { tables, unreadable, foreignKeys, words } = await readDumpDefinitions([path]);

    const orders = { type: 'table', schema: 'sh`op', name: 'orders' };
    expect([...tables.values()]).toEqual([
      {
        columns: ['id', 'state', 'customer', 'twice', 'day'],
        generated: ['twice'],
        hasPrimaryKey: true,
        required: ['day'],
        isChecked: true,
        uniqueKeys: [
          [{ column: 'id', prefix: null, text: null }],
          [
            { column: 'state', prefix: 5, text: { charset: 'latin2', collation: 'latin2_croatian_ci' } },
            { column: 'customer', prefix: null, text: null },
          ],
        ],
      },
    ]);
    expect([...unreadable]).toEqual(['table\0sh`op\0odd']);
    expect(foreignKeys).toEqual([
      {
        ...{ child: orders, columns: ['customer'], onDelete: 'cascade', onUpdate: 'restrict' },
        ...{ parent: { type: 'table', schema: 'sh`op', name: 'customers' }, parentColumns: ['id'] },
      },
      {
        ...{ child: orders, columns: ['customer', 'd`y'], onDelete: 'set-null', onUpdate: 'restrict' },
        ...{ parent: { type: 'table', schema: 'crm', name: 'people' }, parentColumns: ['id', 'at'] },
      },
    ]);
    for (const word of ['audit', 'counted', 'filled', 'elsewhere']) expect(words.has(word), word).toBe(true);
    expect(words.has('word_in_rows')).toBe(false);
  });
});
