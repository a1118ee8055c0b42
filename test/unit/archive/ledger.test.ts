import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';
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
      expect(await ledger.record(entry)).toBe(true);
      expect(await ledger.record({ ...entry, noticedAt: '2026-11-23T10:00:00.000Z' })).toBe(false);
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
    'says that it cannot be read when a whole line is no entry, keeps that, and adds the next one behind it: %j',
    async (line) => {
      await ledger.record(gap(5));
      await appendFile(path, `${line}\n`);
      const before = await readFile(path, 'utf8');
      const failure = {
        code: 'REPOSITORY_UNREADABLE',
        message: `cannot read the ledger '${path}': line 2 is no entry`,
      };
      await expect(ledger.entries()).rejects.toMatchObject(failure);
      await ledger.record(gap(6));
      await ledger.record(gap(7));
      await ledger.record(gap(6));
      await expect(ledger.entries()).rejects.toMatchObject(failure);
      expect((await readFile(path, 'utf8')).startsWith(before)).toBe(true);
      expect(await ledger.read()).toEqual({ entries: [gap(5), gap(6), gap(7)], problems: ['line 2 is no entry'] });
      const lines = (await readFile(path, 'utf8')).split('\n');
      await writeFile(path, lines.with(1, JSON.stringify(gap(1))).join('\n'));
      expect(await ledger.entries()).toEqual([gap(5), gap(1), gap(6), gap(7)]); // mended
    },
  );

  it('takes no entry for true that was changed, names its line, and still shows the others', async () => {
    for (const from of [1, 3, 5]) await ledger.record(gap(from));
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('binlog.000004:4', 'binlog.000006:4'));
    const problem = 'line 2 is not as it was written: its hash over itself is another';
    expect(await ledger.read()).toEqual({ entries: [gap(1), gap(5)], problems: [problem] });
    const failure = { code: 'REPOSITORY_UNREADABLE', message: `cannot read the ledger '${path}': ${problem}` };
    await expect(ledger.entries()).rejects.toMatchObject(failure);
  });

  it('loses no entry behind a flipped bit of one before', async () => {
    await ledger.record({ ...gap(5), why: 'über' });
    const good = await readFile(path);
    const some = Array.from({ length: 15 }, (_, n) => Math.floor((n * good.length * 8) / 15));
    const lineEnd = [8, 7, 6, 5, 4, 3, 2, 1].map((bit) => good.length * 8 - bit);
    for (const bit of [...some, good.indexOf('über') * 8 + 7, ...lineEnd]) {
      const changed = Buffer.from(good);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await writeFile(path, changed);
      for (const from of [6, 7]) await ledger.record(gap(from));
      const { entries, problems } = await ledger.read();
      expect([entries, problems.length], `bit ${bit}`).toEqual([[gap(6), gap(7)], 1]);
    }
  });

  it('goes on with the ledger of an earlier version, whose lines have no hashes', async () => {
    const old = [gap(5), ...OTHERS].map((entry) => `${JSON.stringify(entry)}\n`).join('');
    await writeFile(path, old, { mode: 0o600 });
    await ledger.record(gap(6));
    expect(await ledger.entries()).toEqual([gap(5), ...OTHERS, gap(6)]);
    expect((await readFile(path, 'utf8')).startsWith(old)).toBe(true);
  });

  it('is for its owner only, and leaves no lock behind', async () => {
    await ledger.record(gap(5));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await expect(stat(`${path}.lock`)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
