import { describe, expect, it } from 'vitest';
import { textOfColumn, textOfTable } from '../../../../src/operations/skip/column-text.ts';

describe("the text of a table's column", () => {
  it.each([
    ['  `a` varchar(20) NOT NULL,', 'as its table'],
    ['  `a` char(3) CHARACTER SET koi8r DEFAULT NULL,', { charset: 'koi8r', collation: null }],
    [
      "  `a``b` mediumtext CHARACTER SET utf8 COLLATE utf8_bin COMMENT 'COLLATE x',",
      { charset: 'utf8', collation: 'utf8_bin' },
    ],
    [
      '  `a` varchar(9) COLLATE utf8mb4_uca1400_ai_ci GENERATED ALWAYS AS (concat(`b`)) VIRTUAL',
      { charset: 'utf8mb4', collation: 'utf8mb4_uca1400_ai_ci' },
    ],
    ['  `a` varchar(9) GENERATED ALWAYS AS (`b` collate utf8mb4_bin) STORED,', 'as its table'],
    ['  `a` text /*M!100301 COMPRESSED*/ CHARACTER SET latin1 DEFAULT NULL,', { charset: 'latin1', collation: null }],
    ['  `a` varbinary(20) DEFAULT NULL,', null],
    ['  `a` tinyblob DEFAULT NULL,', null],
    ["  `a` enum('char','text') CHARACTER SET latin1 DEFAULT NULL,", null],
    ['  `char` int(11) NOT NULL,', null],
    ['  `a` uuid NOT NULL,', null],
  ])('is read from %s', (line, expected) => {
    expect(textOfColumn(line)).toEqual(expected);
  });

  it.each([
    [') ENGINE=InnoDB DEFAULT CHARSET=latin1', { charset: 'latin1', collation: null }],
    [
      ") ENGINE=InnoDB AUTO_INCREMENT=4 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_danish_ci COMMENT='x'",
      { charset: 'utf8mb4', collation: 'utf8mb4_danish_ci' },
    ],
    [") ENGINE=InnoDB COMMENT=' DEFAULT CHARSET=latin1'", { charset: 'unknown', collation: null }],
  ])('is that of the table: %s', (line, expected) => {
    expect(textOfTable(line)).toEqual(expected);
  });
});
