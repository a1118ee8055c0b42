import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BINLOG_MAGIC, EVENT } from '../../src/binlog/event-type.ts';
import { parseFormatDescription, type FormatDescription } from '../../src/binlog/format-description.ts';
import { encodeGtidState } from '../../src/binlog/gtid-state-event.ts';
import type { GtidState } from '../../src/binlog/gtid.ts';
import { GtidPosition } from '../../src/binlog/mariadb-gtid.ts';
import { GtidSet } from '../../src/binlog/mysql-gtid.ts';
import { encodeEvent, formatDescription, MYSQL } from '../support/binlog-builder.ts';
import { readInPieces } from '../support/binlog-reading.ts';
import { BINLOG_FIXTURES, BINLOG_FIXTURES_ABSENT } from '../support/fixture-paths.ts';
import { UUIDS } from './support/logs.ts';

const OURS = join(import.meta.dirname, '../../fixtures/binlogs');

const number = fc.integer({ min: 1, max: 2 ** 40 });
const id = fc.integer({ min: 0, max: 0xffffffff });

const positions: fc.Arbitrary<GtidState> = fc
  .array(fc.record({ flavor: fc.constant('mariadb' as const), domain: id, server: id, sequence: number }))
  .map((gtids) => {
    const position = new GtidPosition();
    for (const gtid of gtids) position.add(gtid);
    return position;
  });

const sets = (tags: readonly string[]): fc.Arbitrary<GtidState> =>
  fc
    .array(
      fc.record({
        uuid: fc.constantFrom(...UUIDS),
        tag: fc.constantFrom(...tags),
        first: number,
        length: fc.integer({ min: 1, max: 50 }),
      }),
    )
    .map((intervals) => {
      const set = new GtidSet();
      for (const { uuid, tag, first, length } of intervals) set.addInterval({ uuid, tag, first, end: first + length });
      return set;
    });

const version = (flavor: string): string => (flavor === 'mariadb' ? '10.11.19-MariaDB-log' : MYSQL);

function formatEvent(flavor: string, checksum: 'crc32' | 'none'): Buffer {
  return encodeEvent(formatDescription(version(flavor), checksum), { time: 1, checksum, position: 4 });
}

function formatOf(event: Buffer): FormatDescription {
  const format = parseFormatDescription(event);
  if (format === null) throw new Error('no format');
  return format;
}

describe('encodeGtidState', () => {
  it.each([
    ['positions of MariaDB', positions],
    ['sets of MySQL', sets([''])],
    ['sets of MySQL with tags', sets(['', 'a', 'a_tag_of_thirty_two_characters_'])],
  ])('writes %s as a reader finds them again', (_, states) => {
    fc.assert(
      fc.property(states, fc.constantFrom('crc32' as const, 'none' as const), (state, checksum) => {
        const event = formatEvent(state.flavor, checksum);
        const end = 4 + event.length + encodeGtidState(state, formatOf(event), 0).length;
        const written = encodeGtidState(state, formatOf(event), end);
        const { reading } = readInPieces(Buffer.concat([BINLOG_MAGIC, event, written]));
        expect(reading.problems).toEqual([]);
        expect(reading.wholeTo).toBe(end);
        expect(reading.gtidStart?.equals(state)).toBe(true);
      }),
    );
  });
});

/** Every real file that says its GTID state, but those that are encrypted or another server's. */
function realFiles(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.\d{6}$/.test(name));
  return names
    .map((name) => join(folder, name))
    .filter((path) => stateEvent(readFileSync(path)) !== null && !path.includes('relay'));
}

function stateEvent(file: Buffer): { event: Buffer; end: number } | null {
  const wanted: readonly (number | undefined)[] = [EVENT.GTID_LIST, EVENT.PREVIOUS_GTIDS];
  for (let at = 4; at < file.length;) {
    const end = at + file.readUInt32LE(at + 9);
    if (wanted.includes(file[at + 4])) return { event: file.subarray(at, end), end };
    if (file[at + 4] === EVENT.START_ENCRYPTION || end > file.length) return null;
    at = end;
  }
  return null;
}

describe.each([OURS, ...(BINLOG_FIXTURES_ABSENT ? [] : [BINLOG_FIXTURES])])(
  'the state event of files in %s',
  (folder) => {
    it.each(realFiles(folder))('%s is written as its server wrote it', (path) => {
      const file = readFileSync(path);
      const { reading } = readInPieces(file);
      const found = stateEvent(file);
      if (found === null || reading.gtidStart === null || reading.format === null) throw new Error('no GTID state');
      const written = encodeGtidState(reading.gtidStart, reading.format, found.end);
      const expected = Buffer.from(found.event);
      // The file may be a second older than the event, and MySQL 5.6 does not mark it as ignorable.
      expected.copy(written, 0, 0, 4);
      expected.copy(written, 17, 17, 19);
      const checksumBytes = reading.format.checksum === 'crc32' ? 4 : 0;
      expect(written.subarray(0, written.length - checksumBytes)).toEqual(
        expected.subarray(0, expected.length - checksumBytes),
      );
    });
  },
);
