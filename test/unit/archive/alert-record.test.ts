import { appendFile, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AlertRecord, readAlertRecord, type Stood, type Told } from '../../../src/archive/alert-record.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';

const at = '2026-11-22T10:00:00.000Z';
const told = (key: string, channel = 'webhook'): Told => ({ kind: 'told', channel, key, incident: 'inc-1', at });
const place = (position: number): { lineage: string; file: string; position: number } => ({
  lineage: 'shop-1',
  file: 'binlog.000001',
  position,
});
const stood = (position: number): Stood => ({ kind: 'stood', ...place(position), current: true, at });

async function withRecord(work: (path: string) => Promise<void>): Promise<void> {
  await using folder = await makeTempDirectory('lastgood-alerts-');
  await work(join(folder.path, 'alerts-shop.jsonl'));
}

async function write(path: string, ...lines: Parameters<AlertRecord['add']>[0][]): Promise<void> {
  await using record = await AlertRecord.open(path);
  for (const line of lines) await record.add(line);
}

describe('a record of alerts', () => {
  it('knows after a restart what each channel was told', async () => {
    await withRecord(async (path) => {
      await write(path, told('a'), { kind: 'told-together', channel: 'command', incidents: 3, through: place(9), at });
      await using record = await AlertRecord.open(path);
      expect([record.isTold('webhook', 'a'), record.isTold('command', 'a'), record.isTold('webhook', 'b')]).toEqual([
        true,
        false,
        false,
      ]);
      expect([record.toldThrough('command'), record.toldThrough('webhook'), record.stood]).toEqual([
        place(9),
        null,
        null,
      ]);
    });
  });

  it('still knows behind a newer place what was told before: what grows is met again', async () => {
    await withRecord(async (path) => {
      await write(path, told('a'), stood(100), told('b'), stood(200));
      await using record = await AlertRecord.open(path);
      expect([record.isTold('webhook', 'a'), record.isTold('webhook', 'b')]).toEqual([true, true]);
      expect(record.stood).toEqual(stood(200));
    });
  });

  it('keeps of what was told many in one only what reaches further than it stands', async () => {
    const together = (channel: string, position: number): Parameters<AlertRecord['add']>[0] => ({
      kind: 'told-together',
      channel,
      incidents: 3,
      through: place(position),
      at,
    });
    await withRecord(async (path) => {
      await write(path, together('command', 99), together('webhook', 300), stood(200));
      await using record = await AlertRecord.open(path);
      expect([record.toldThrough('command'), record.toldThrough('webhook')]).toEqual([null, place(300)]);
    });
  });

  it('gives up only the line that a crash tore', async () => {
    await withRecord(async (path) => {
      await write(path, told('a'), told('schöner Schlüssel'));
      await truncate(path, (await stat(path)).size - 3);
      await write(path, told('c'));
      expect(await readAlertRecord(path)).toEqual([told('a'), told('c')]);
    });
  });

  it('goes on behind a damaged line, which counts as not there', async () => {
    await withRecord(async (path) => {
      await write(path, told('a'));
      await appendFile(path, 'garbage\n');
      await write(path, told('c'));
      expect(await readAlertRecord(path)).toEqual([told('a'), told('c')]);
    });
  });

  it('does not grow for ever, and keeps what is not dealt with', async () => {
    await withRecord(async (path) => {
      await write(path, told('first'), stood(100));
      const line = await readFile(path);
      const many = Array.from({ length: 15_000 }, (_, index) => `${JSON.stringify(told(`key-${index} ü`))}\n`).join('');
      await writeFile(path, Buffer.concat([line, Buffer.from(many)]));
      await appendFile(path, `${JSON.stringify(stood(200))}\n${JSON.stringify(told('last'))}\n`);
      await write(path);
      await using record = await AlertRecord.open(path);
      expect((await stat(path)).size).toBeLessThan(500_000);
      expect([record.stood?.position, record.isTold('webhook', 'last')]).toEqual([200, true]);
      const known = (index: number): boolean => record.isTold('webhook', `key-${index} ü`);
      expect([known(13_999), known(14_001), known(14_999)]).toEqual([false, true, true]);
      await record.add(told('more'));
      expect((await readAlertRecord(path)).at(-1)).toEqual(told('more'));
    });
  });
});
