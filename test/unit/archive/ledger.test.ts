import { appendFile, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Ledger, type Gap, type LedgerEntry } from '../../../src/archive/ledger.ts';
import { makeTempDirectory, type TempDirectory } from '../../../src/platform/temp-dir.ts';

const gap = (from: number): Gap => ({
  kind: 'gap',
  lineage: 'shop-1a2b',
  from: `binlog.00000${from}:4`,
  to: `binlog.00000${from + 1}:4`,
  why: 'the source purged its files before they were archived',
  noticedAt: '2026-11-22T10:00:00.000Z',
});

const OTHERS: readonly LedgerEntry[] = [
  { ...gap(1), kind: 'break', child: 'shop-3c4d' },
  { ...gap(1), kind: 'stranded', child: 'shop-3c4d', groups: 2, firstGtid: '0-1-5', lastGtid: '0-1-6' },
  { ...gap(1), kind: 'source-incident' },
];

let folder: TempDirectory;
let path: string;
let ledger: Ledger;

beforeEach(async () => {
  folder = await makeTempDirectory('lastgood-ledger-');
  path = join(folder.path, 'ledger.jsonl');
  ledger = new Ledger(path);
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

describe('Ledger', () => {
  it('keeps every entry of every kind, in the order it was noticed', async () => {
    expect(await ledger.entries()).toEqual([]);
    const entries = [gap(5), gap(3), ...OTHERS, gap(7)];
    for (const entry of entries) await ledger.record(entry);
    expect(await new Ledger(path).entries()).toEqual(entries);
    expect(await ledger.gaps()).toEqual([gap(5), gap(3), gap(7)]);
  });

  it('does not write the same loss twice, whenever it is noticed again', async () => {
    for (const entry of [gap(5), ...OTHERS]) {
      await ledger.record(entry);
      await ledger.record({ ...entry, noticedAt: '2026-11-23T10:00:00.000Z' });
    }
    expect(await ledger.entries()).toEqual([gap(5), ...OTHERS]);
  });

  it('only ever grows: what was written once stays as it is, byte for byte (peers 12: dbtrail #1079)', async () => {
    let before = '';
    for (const entry of [gap(5), ...OTHERS, gap(5), gap(6)]) {
      await ledger.record(entry);
      const now = await readFile(path, 'utf8');
      expect(now.startsWith(before)).toBe(true);
      before = now;
    }
  });

  it('loses no entry when several write at once', async () => {
    const entries = [1, 2, 3, 4, 5, 6, 7, 8].map(gap);
    await Promise.all(entries.map((entry) => new Ledger(path).record(entry)));
    const found = await ledger.gaps();
    expect(found.toSorted((a, b) => (a.from < b.from ? -1 : 1))).toEqual(entries);
  });

  it.each(['{"kind":"gap","lin', '\0\0\0\0', '\0\0\0"why":""}\n', JSON.stringify(gap(6))])(
    'leaves out a line that a crash tore, and writes the next one in its place: %j',
    async (torn) => {
      await ledger.record(gap(5));
      await appendFile(path, torn);
      expect(await ledger.entries()).toEqual([gap(5)]);
      await ledger.record(gap(7));
      expect(await ledger.entries()).toEqual([gap(5), gap(7)]);
    },
  );

  it('keeps and shows a kind that it does not know: an unknown loss is a loss', async () => {
    const line = { ...gap(5), kind: 'eaten-by-mice', mice: 3 };
    await appendFile(path, `${JSON.stringify(line)}\n`);
    await ledger.record(gap(6));
    expect(await ledger.entries()).toEqual([line, gap(6)]);
  });

  it.each(['oops', '', '{}', 'null', '{"kind":"gap","lineage":"a"}'])(
    'says that it cannot be read when a whole line is no entry, and changes nothing: %j',
    async (line) => {
      await ledger.record(gap(5));
      await appendFile(path, `${line}\n`);
      const before = await readFile(path, 'utf8');
      const failure = {
        code: 'REPOSITORY_UNREADABLE',
        message: `cannot read the ledger '${path}': line 2 is no entry`,
      };
      await expect(ledger.entries()).rejects.toMatchObject(failure);
      await expect(ledger.record(gap(6))).rejects.toMatchObject(failure);
      expect(await readFile(path, 'utf8')).toBe(before);
    },
  );

  it('is for its owner only, and leaves no lock behind', async () => {
    await ledger.record(gap(5));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await expect(stat(`${path}.lock`)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
