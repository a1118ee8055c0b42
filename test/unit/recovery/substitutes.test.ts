import { expect, it } from 'vitest';
import { refuseSubstitutes } from '../../../src/recovery/substitutes.ts';

const SAID = [
  "Note (Code 1031): Storage engine InnoDB of the table `shop`.`item` doesn't have this option",
  "Warning (Code 1286): Unknown storage engine 'ARCHIVE'",
  "Warning (Code 1266): Using storage engine InnoDB for table 'old'",
  '',
].join('\n');

it('refuses a table that gets another engine, in whatever pieces the client says so', () => {
  for (const size of [1, 7, SAID.length]) {
    const take = refuseSubstitutes();
    const say = (): void => {
      for (let at = 0; at < SAID.length; at += size) take(Buffer.from(SAID.slice(at, at + size)));
    };
    expect(say).toThrow(
      "the server lacks the storage engine of a table: Unknown storage engine 'ARCHIVE'; Using storage engine InnoDB for table 'old'",
    );
  }
});

it('says what a table lacks that is encrypted', () => {
  expect(() => {
    refuseSubstitutes()(Buffer.from('Warning (Code 140): InnoDB: ENCRYPTION_KEY_ID 1 not available\n'));
  }).toThrow('a table of the backup is encrypted, and the server has no key for it: ENCRYPTION_KEY_ID 1 not available');
});

it('takes every other warning for one', () => {
  const take = refuseSubstitutes();
  take(Buffer.from(SAID.split('\n').slice(0, 2).join('\n') + '\nWarning (Code 1366): (Code 1266): x\n'));
});
