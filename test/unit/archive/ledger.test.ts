import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Ledger, type Gap } from '../../../src/archive/ledger.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';

const gap = (from: number): Gap => ({
  kind: 'gap',
  lineage: 'shop-1a2b',
  from: `binlog.00000${from}:4`,
  to: `binlog.00000${from + 1}:4`,
  why: 'the source purged its files before they were archived',
  noticedAt: '2026-11-22T10:00:00.000Z',
});

describe('Ledger', () => {
  it('keeps every gap, in the order it was noticed', async () => {
    await using folder = await makeTempDirectory('lastgood-ledger-');
    const ledger = new Ledger(join(folder.path, 'ledger.jsonl'));
    expect(await ledger.gaps()).toEqual([]);
    for (const from of [5, 3, 7]) await ledger.record(gap(from));
    expect(await new Ledger(join(folder.path, 'ledger.jsonl')).gaps()).toEqual([gap(5), gap(3), gap(7)]);
  });

  it('does not write the same gap twice, whenever it is noticed again', async () => {
    await using folder = await makeTempDirectory('lastgood-ledger-');
    const ledger = new Ledger(join(folder.path, 'ledger.jsonl'));
    await ledger.record(gap(5));
    await ledger.record({ ...gap(5), noticedAt: '2026-11-23T10:00:00.000Z' });
    expect(await ledger.gaps()).toEqual([gap(5)]);
  });

  it('leaves out a line that a crash tore, and writes the next one in its place', async () => {
    await using folder = await makeTempDirectory('lastgood-ledger-');
    const path = join(folder.path, 'ledger.jsonl');
    const ledger = new Ledger(path);
    await ledger.record(gap(5));
    await appendFile(path, '{"kind":"gap","lin');
    expect(await ledger.gaps()).toEqual([gap(5)]);
    await ledger.record(gap(6));
    expect(await ledger.gaps()).toEqual([gap(5), gap(6)]);
  });

  it('says that it cannot be read when a whole line is no gap', async () => {
    await using folder = await makeTempDirectory('lastgood-ledger-');
    const path = join(folder.path, 'ledger.jsonl');
    await appendFile(path, 'oops\n');
    const failure = { code: 'REPOSITORY_UNREADABLE', message: `cannot read the ledger '${path}'` };
    await expect(new Ledger(path).gaps()).rejects.toMatchObject(failure);
    await expect(new Ledger(path).record(gap(5))).rejects.toMatchObject(failure);
    expect(await readFile(path, 'utf8')).toBe('oops\n');
  });
});
