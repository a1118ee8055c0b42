import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { scan } from '../../../src/operations/scan.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import {
  alterGtid,
  BinlogBuilder,
  gtidList,
  mariadbGtid,
  query,
  rotate,
  xaPrepare,
  type RawEvent,
} from '../../support/binlog-builder.ts';

const TEN_O_CLOCK = Date.UTC(2026, 10, 22, 10) / 1000;
const DROP = 'ALTER TABLE a DROP COLUMN b';

/** Two files of one server: an XA transaction and an ALTER begin in the first, and end in the second. */
function twoFiles(ending: 'COMMIT' | 'ROLLBACK'): BinlogBuilder[] {
  const prepared = [query("XA START X'61',X'',1"), query('DROP TABLE c'), query("XA END X'61',X'',1"), xaPrepare('a')];
  const step = ending === 'COMMIT' ? 'commit' : 'rollback';
  return [
    new BinlogBuilder()
      .between(gtidList(''))
      .group([mariadbGtid('0-101-1', { flags: 64 }), ...prepared], { ending: 'prepare' })
      .group([alterGtid('0-101-2', { step: 'start' }), query(DROP)], { ending: 'statement' })
      .between(rotate('binlog.000002')),
    new BinlogBuilder()
      .between(gtidList('0-101-2'))
      .group([mariadbGtid('0-101-3', { standalone: true, flags: 128 }), query(`XA ${ending} X'61',X'',1`)], {
        ending: 'statement',
      })
      .group([alterGtid('0-101-4', { step, first: 2 }), query(DROP)], { ending: 'statement' }),
  ];
}

async function statesIn(files: readonly BinlogBuilder[], from = 1): Promise<string[]> {
  await using folder = await makeTempDirectory('lastgood-scan-');
  for (const [index, { bytes }] of files.entries()) {
    if (index + 1 >= from) await writeFile(join(folder.path, `binlog.00000${index + 1}`), bytes);
  }
  const { incidents } = await scan({ paths: [folder.path], verifyChecksums: true });
  return incidents.map(({ kind, state, gtid, settledBy }) => `${kind} ${gtid ?? ''} ${state} ${settledBy?.gtid ?? ''}`);
}

describe('a scan of several files', () => {
  it.each([
    ['COMMIT', 'effective'],
    ['ROLLBACK', 'rolled-back'],
  ] as const)('puts what began in one file together with its %s in the next', async (ending, state) => {
    expect(await statesIn(twoFiles(ending))).toEqual([
      `drop-table 0-101-1 ${state} 0-101-3`,
      `drop-column 0-101-2 ${state} 0-101-4`,
    ]);
  });

  it('shows what the second file alone tells', async () => {
    expect(await statesIn(twoFiles('COMMIT'), 2)).toEqual(['drop-column 0-101-4 effective ']);
  });

  it('shows as pending what nothing has ended yet', async () => {
    expect(await statesIn(twoFiles('COMMIT').slice(0, 1))).toEqual([
      'drop-table 0-101-1 pending ',
      'drop-column 0-101-2 pending ',
    ]);
  });
});

const XA_KEY = "X'61',X'',1";

/** A server's files: XA transaction `a` drops a table in the first, and is rolled back in the last. */
class Files {
  readonly #files = new Map<string, Buffer>();
  #sequence = 0;

  /** @param gtids what the file's head says of the groups before it; as it is when not given */
  begin({ gtids = this.#gtids } = {}): BinlogBuilder {
    return new BinlogBuilder().between(gtidList(gtids));
  }

  get #gtids(): string {
    return this.#sequence === 0 ? '' : `0-101-${this.#sequence}`;
  }

  next(flags = 0, standalone = false): RawEvent {
    this.#sequence += 1;
    return mariadbGtid(this.#gtids, { flags, standalone });
  }

  prepare(log: BinlogBuilder, statement = 'DROP TABLE c'): BinlogBuilder {
    const events = [query(`XA START ${XA_KEY}`), query(statement), query(`XA END ${XA_KEY}`), xaPrepare('a')];
    return log.group([this.next(64), ...events], { ending: 'prepare' });
  }

  rollBack(log: BinlogBuilder): BinlogBuilder {
    return log.group([this.next(128, true), query(`XA ROLLBACK ${XA_KEY}`)], { ending: 'statement' });
  }

  put(name: string, bytes: Buffer): this {
    this.#files.set(name, bytes);
    return this;
  }

  async states(): Promise<string[]> {
    await using folder = await makeTempDirectory('lastgood-scan-');
    for (const [name, bytes] of this.#files) await writeFile(join(folder.path, name), bytes);
    const { incidents } = await scan({ paths: [folder.path], verifyChecksums: true });
    return incidents.map(({ state, settledBy }) => `${state}${settledBy === null ? '' : ` by ${settledBy.file}`}`);
  }
}

const isRolledBack = (file: number): string[] => [`rolled-back by binlog.00000${file}`];

describe('what may be hidden between the beginning and the end of a transaction', () => {
  it('is a whole file that is missing', async () => {
    const files = new Files();
    files.put('binlog.000001', files.prepare(files.begin()).between(rotate('binlog.000002')).bytes);
    const middle = files.begin().between(rotate('binlog.000003')).bytes;
    files.put('binlog.000003', files.rollBack(files.begin()).bytes);
    expect(await files.states()).toEqual(['pending']);
    files.put('binlog.000002', middle);
    expect(await files.states()).toEqual(isRolledBack(3));
    middle.writeUInt8(middle.readUInt8(60) ^ 1, 60);
    files.put('binlog.000002', middle);
    expect(await files.states()).toEqual(['pending']);
    files.put('binlog.000002', Buffer.from('no binary log'));
    expect(await files.states()).toEqual(['pending']);
  });

  it('is a damaged place of the same file', async () => {
    const files = new Files();
    const log = files.prepare(files.begin());
    const at = log.size + 30;
    log.group([files.next(0, true), query('INSERT INTO a VALUES (1)')], { ending: 'statement' });
    // Prepared in a file before, as far as this file's own text tells: its end is told, and not applied.
    const { bytes } = files.rollBack(log);
    files.put('binlog.000001', bytes);
    expect(await files.states()).toEqual(isRolledBack(1));
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    files.put('binlog.000001', bytes);
    expect(await files.states()).toEqual(['pending']);
  });

  it('is nothing when the server crashed: prepared transactions stay, and the next file goes on where this one ends', async () => {
    for (const torn of [Buffer.alloc(0), Buffer.alloc(9, 1)]) {
      const files = new Files();
      files.put('binlog.000001', Buffer.concat([files.prepare(files.begin()).bytes, torn]));
      files.put('binlog.000002', files.rollBack(files.begin()).bytes);
      expect(await files.states()).toEqual(isRolledBack(2));
    }
  });

  it('is the rest of a file of which there is half a copy', async () => {
    const files = new Files();
    files.put('binlog.000001', files.prepare(files.begin()).bytes);
    files.next();
    files.put('binlog.000002', files.rollBack(files.begin()).bytes);
    expect(await files.states()).toEqual(['pending']);
  });
});

describe('a file that is there twice', () => {
  it('counts once, plain or compressed, whole or cut', async () => {
    const files = new Files();
    const first = files.prepare(files.begin()).between(rotate('binlog.000002')).bytes;
    const second = files.rollBack(files.begin()).bytes;
    for (const copy of [first, first.subarray(0, -3), files.begin({ gtids: '' }).bytes]) {
      files.put('binlog.000001', first).put('binlog.000001.gz', gzipSync(copy)).put('binlog.000002', second);
      expect(await files.states()).toEqual(isRolledBack(2));
      files.put('binlog.000001', copy).put('binlog.000001.gz', gzipSync(first));
      expect(await files.states()).toEqual(isRolledBack(2));
    }
  });

  it('is none when only the names are the same: what comes from which nobody knows', async () => {
    const files = new Files();
    const other = new BinlogBuilder({ time: TEN_O_CLOCK - 3600 }).between(gtidList(''));
    files.put('binlog.000001', files.prepare(files.begin()).between(rotate('binlog.000002')).bytes);
    files.put('binlog.000001.gz', gzipSync(other.between(rotate('binlog.000002')).bytes));
    files.put('binlog.000002', files.rollBack(files.begin()).bytes);
    expect(await files.states()).toEqual(['pending']);
  });
});
