import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addArchiverRun, keepServerId, readArchiverRecord } from '../../../src/archive/archiver-record.ts';
import { WaitNote, waitFindings } from '../../../src/operations/archiver-wait.ts';
import { LastgoodError } from '../../../src/platform/errors.ts';
import { createLogger, type Logger } from '../../../src/platform/logger.ts';
import { makeTempDirectory, type TempDirectory } from '../../../src/platform/temp-dir.ts';
import { silentLog } from '../../support/archiver.ts';

const NOON = Date.parse('2026-11-23T12:00:00Z');
const MINUTE = 60_000;
const TAKEN = new LastgoodError('SERVER_ID_TAKEN', 'taken', { hint: 'Give one another id.' });
const FULL = new LastgoodError('STORAGE_FAILED', 'no space', { details: { full: true } });

async function aRecord(): Promise<TempDirectory & { readonly record: string }> {
  const folder = await makeTempDirectory('lastgood-test-');
  return Object.assign(folder, { record: join(folder.path, 'archiver-shop.json') });
}

function keepWarnings(): { log: Logger; warnings: unknown[] } {
  const warnings: unknown[] = [];
  const log = createLogger({ level: 'silent', pretty: false });
  log.warn = (fields: unknown) => void warnings.push(fields);
  return { log, warnings };
}

describe('the note of an archiver that waits', () => {
  it('stands beside what else is known, until it streams', async () => {
    await using folder = await aRecord();
    await keepServerId(folder.record, 7);
    await addArchiverRun(folder.record, new Date(NOON));
    const before = await readFile(folder.record, 'utf8');
    const note = new WaitNote(folder.record, silentLog);
    await note.begin(TAKEN, { waitMs: MINUTE, isFruitful: true, now: NOON });
    const record = await readArchiverRecord(folder.record);
    expect(record).toEqual({
      ...{ format: 1, serverId: 7, current: ['2026-11-23T12:00:00.000Z'] },
      waiting: {
        ...{ since: '2026-11-23T12:00:00.000Z', until: '2026-11-23T12:01:00.000Z' },
        ...{ why: 'taken', hint: 'Give one another id.' },
      },
    });
    const wait = record?.waiting ?? null;
    expect(waitFindings('shop', { wait, now: new Date(NOON) })).toMatchObject([
      { severity: 'warning', check: 'archiver', object: 'shop', fix: 'Give one another id.' },
    ]);
    await note.end();
    expect(await readFile(folder.record, 'utf8')).toBe(before);
  });

  it('of one that was killed is removed by the next one that streams', async () => {
    await using folder = await aRecord();
    await new WaitNote(folder.record, silentLog).begin(FULL, { waitMs: MINUTE, isFruitful: true });
    await new WaitNote(folder.record, silentLog).end();
    expect((await readArchiverRecord(folder.record))?.waiting).toBeNull();
  });

  it('says since when, over attempts that came to nothing at once', async () => {
    await using folder = await aRecord();
    const note = new WaitNote(folder.record, silentLog);
    const sinceAt = async (minutes: number, error = FULL, isFruitful = false): Promise<number> => {
      await note.begin(error, { waitMs: MINUTE, isFruitful, now: NOON + minutes * MINUTE });
      const since = (await readArchiverRecord(folder.record))?.waiting?.since ?? '';
      await note.end();
      return (Date.parse(since) - NOON) / MINUTE;
    };
    expect(await sinceAt(0)).toBe(0);
    expect(await sinceAt(1)).toBe(0);
    expect(await sinceAt(2.5)).toBe(0);
    expect(await sinceAt(4, FULL, true)).toBe(4);
    expect(await sinceAt(5)).toBe(4);
    expect(await sinceAt(90)).toBe(90);
    expect(await sinceAt(91, TAKEN)).toBe(91);
  });

  it('that cannot be written ends nothing, and is told of', async () => {
    await using folder = await aRecord();
    const { log, warnings } = keepWarnings();
    const note = new WaitNote(join(folder.path, 'gone', 'archiver-shop.json'), log);
    await note.begin(FULL, { waitMs: MINUTE, isFruitful: true });
    expect(warnings).toMatchObject([{ error: expect.stringContaining('archiver-shop.json') as string }]);
    await note.end();
  });

  it('does not replace a record that cannot be read', async () => {
    await using folder = await aRecord();
    await writeFile(folder.record, '{');
    const { log, warnings } = keepWarnings();
    await new WaitNote(folder.record, log).begin(TAKEN, { waitMs: MINUTE, isFruitful: true });
    expect(await readFile(folder.record, 'utf8')).toBe('{');
    expect(warnings).toHaveLength(1);
  });

  it.each([7, {}, { since: 'x', until: 'y', why: '', hint: '' }, { since: '2026-11-23T12:00:00Z' }])(
    'is none that somebody wrote otherwise: %j',
    async (waiting) => {
      await using folder = await aRecord();
      await writeFile(folder.record, JSON.stringify({ format: 1, serverId: 7, current: [], waiting }));
      expect(await readArchiverRecord(folder.record)).toEqual({ format: 1, serverId: 7, current: [], waiting: null });
    },
  );
});
