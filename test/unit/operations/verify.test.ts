import { appendFile, copyFile, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { HandOver } from '../../../src/archive/lineage.ts';
import { addArchiverRun, readArchiverRuns } from '../../../src/archive/archiver-record.ts';
import { openRepository, writeRecord } from '../../../src/archive/repository.ts';
import type { VerifyOptions, VerifyFinding } from '../../../src/operations/verify.ts';
import { acquireLock } from '../../../src/platform/lock.ts';
import type { TempDirectory } from '../../../src/platform/temp-dir.ts';
import { archiveFolder } from '../../support/archive-folder.ts';
import { BinlogBuilder, gtidList, mariadbGtid, query } from '../../support/binlog-builder.ts';
import { aBackup, aLineage } from '../../support/in-memory-log.ts';
import { buildLog, FILES, flipBit, verifyAt, verifyScene, type VerifyScene } from '../../support/verify-scene.ts';

const KIND = { flavor: 'mariadb', checksum: 'crc32' } as const;
const LINEAGE = 'lineages/shop-1a2b';
const OPEN = `${LINEAGE}/${FILES.at(-1) ?? ''}`;

let scene: VerifyScene;
let copy: TempDirectory;

beforeAll(async () => {
  scene = await verifyScene(KIND);
});

afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});

beforeEach(async () => {
  copy = await scene.copy();
});

afterEach(async () => {
  await copy[Symbol.asyncDispose]();
});

const at = (name: string): string => join(copy.path, name);

async function findings(options: Partial<VerifyOptions> = {}): Promise<VerifyFinding[]> {
  return [...(await verifyAt(copy.path, options)).findings];
}

/** Severity, check and object of each finding. */
async function outline(options: Partial<VerifyOptions> = {}): Promise<string[]> {
  return (await findings(options)).map(({ severity, check, object }) => `${severity}: ${check}: ${object ?? ''}`);
}

describe('verify', () => {
  it('calls what cannot be read neither damaged nor fine (peers 48)', async () => {
    await rm(at(`${LINEAGE}/binlog.000002`));
    await mkdir(at(`${LINEAGE}/binlog.000002`)); // nobody, not even root, reads a folder as a file
    const [finding, ...others] = await findings({ backups: false });
    expect(finding).toMatchObject({ severity: 'error', check: 'readable', object: `${LINEAGE}/binlog.000002` });
    expect(finding?.found).toContain('EISDIR');
    expect(others).toEqual([]);
  });

  it('does not call gone, or a backup not covered, what it could not look at', async () => {
    for (const name of [LINEAGE, 'lineages']) {
      await rm(at(name), { recursive: true });
      await writeFile(at(name), ''); // nobody lists a file
      const found = await outline();
      // A file beside the folders of lineages is none: that lineage is gone.
      if (name === 'lineages') expect(found).toEqual(['error: readable: lineages']);
      else expect(found).toContain(`error: missing segment: ${LINEAGE}`);
    }
  });

  it('finds the same with threads as without', async () => {
    await flipBit(at(`${LINEAGE}/binlog.000002`), 300, 1);
    await flipBit(at(`${LINEAGE}/binlog.000004`), 310, 1);
    await flipBit(at('backups/b1/grants.sql.zst'), 3, 1);
    await rm(at('backups/b1/dump.sql.zst'));
    await rm(at(`${LINEAGE}/binlog.000001`));
    await mkdir(at(`${LINEAGE}/binlog.000001`));
    const inThreads = await findings({ jobs: 3 });
    expect(inThreads.map(({ check }) => check)).toEqual(['readable', 'segment', 'segment', 'backup', 'backup']);
    expect(inThreads).toEqual(await findings({ jobs: 1 }));
  });

  it('stops when it is told to', async () => {
    const { signal } = aborted();
    await expect(verifyAt(copy.path, { signal })).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await expect(verifyAt(copy.path, { signal, jobs: 2 })).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });

  it('tells how far it is, up to the end', async () => {
    const seen: [number, number][] = [];
    await verifyAt(copy.path, { onProgress: (done, total) => seen.push([done, total]) });
    const bytes = scene.builders.reduce((sum, { size }) => sum + size, 700 + 90);
    expect(seen.at(-1)).toEqual([bytes, bytes]);
  });

  it('refuses a repository that is not there', async () => {
    await expect(verifyAt(at('nowhere'))).rejects.toMatchObject({ code: 'REPOSITORY_MISSING' });
  });

  it('looks at everything else also when repository.json is damaged', async () => {
    await truncate(at('repository.json'), 20);
    await rm(at(`${LINEAGE}/binlog.000003.json`));
    expect(await outline()).toEqual([
      'error: record: repository.json',
      `error: manifest: ${LINEAGE}/binlog.000003.json`,
    ]);
  });
});

function aborted(): AbortController {
  const controller = new AbortController();
  controller.abort();
  return controller;
}

describe('verify --since', () => {
  it('reads from a file on, and lists what is before', async () => {
    await flipBit(at(`${LINEAGE}/binlog.000002`), 300, 1);
    const { findings: found, summary } = await verifyAt(copy.path, { since: 'binlog.000003' });
    expect(found).toEqual([]);
    expect(summary).toMatchObject({ segments: 3, groups: 12 });
    await rm(at(`${LINEAGE}/binlog.000001`));
    expect(await outline({ since: 'binlog.000003' })).toEqual([`error: missing segment: ${LINEAGE}/binlog.000001`]);
  });

  it('reads what was written from a time on', async () => {
    await flipBit(at(`${LINEAGE}/binlog.000002`), 300, 1);
    expect(await outline({ since: '2026-11-22T09:00:00Z', backups: false })).not.toEqual([]);
    await expect(findings({ since: 'binlog.000007' })).rejects.toMatchObject({
      code: 'USAGE',
      message: "no segment 'binlog.000007' is in the archive",
    });
    await expect(findings({ since: '2026-11-22 10:00' })).rejects.toMatchObject({ code: 'TIME_INVALID' });
  });

  it('says so when it looked at nothing: that is not the same as nothing wrong', async () => {
    const future = await verifyAt(copy.path, { since: '2126-11-22T10:00:00+01:00' });
    expect(future.findings).toMatchObject([{ severity: 'warning', check: 'nothing read', object: 'lineages' }]);
    expect(future.findings[0]?.found).toBe('1 of 5 segments were read: 2126-11-22T09:00:00Z has not come yet');
    const now = new Date().toISOString();
    expect(await outline({ since: now })).toEqual([]); // the open one is always read
    await rm(at(`${LINEAGE}/binlog.000005`));
    const { findings: late } = await verifyAt(copy.path, { since: now });
    expect(late.find(({ check }) => check === 'nothing read')?.found).toMatch(/^0 of \d segments were read: all were/);
  });
});

describe('verify of the open segment', () => {
  it('takes a torn end for what it is', async () => {
    const { size } = scene.builders.at(-1) ?? { size: 0 };
    const { bytes } = new BinlogBuilder().between(gtidList(''));
    await appendFile(at(OPEN), bytes.subarray(4, 30));
    const [finding, ...others] = await findings();
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ severity: 'info', check: 'open segment', object: OPEN, offset: size });
  });

  it('takes wrong bytes behind what was durable for what a power cut left', async () => {
    const { size } = scene.builders.at(-1) ?? { size: 0 };
    await appendFile(at(OPEN), Buffer.alloc(4096));
    expect(await findings()).toMatchObject([{ severity: 'info', check: 'open segment', object: OPEN, offset: size }]);
    await rm(at('catalog.sqlite')); // now nothing tells what was durable
    expect(await findings()).toMatchObject([{ severity: 'error', check: 'segment', object: OPEN, offset: size }]);
  });

  it('misses durable bytes that are gone, though what is left is whole', async () => {
    const end = scene.builders.at(-1)?.groups[1]?.end ?? 0;
    await truncate(at(OPEN), end);
    const [finding] = await findings();
    expect(finding).toMatchObject({ severity: 'error', check: 'segment', object: OPEN, offset: end });
    expect(finding?.found).toContain('of it were durable');
  });

  it('says nothing of what a living archiver has in the making', async () => {
    await appendFile(at(OPEN), Buffer.alloc(10));
    await writeFile(`${at(OPEN)}.zst.partial`, 'begun');
    expect(await outline()).toEqual([`info: open segment: ${OPEN}`, `info: leftover: ${OPEN}.zst.partial`]);
    await using _archiver = await acquireLock((await openRepository(copy.path)).archiverLockPath('shop'), 'archive');
    expect(await findings()).toEqual([]);
  });

  it('finds a segment without manifest before one with its own', async () => {
    await rm(at(`${LINEAGE}/binlog.000002.json`));
    const found = await findings();
    expect(found).toMatchObject([{ check: 'manifest', object: `${LINEAGE}/binlog.000002.json` }]);
    expect(found[0]?.found).toBe('it is not there, but later segments have theirs');
  });
});

describe('verify of manifests', () => {
  it('finds one that was replaced by another good one', async () => {
    const path = at(`${LINEAGE}/binlog.000002.json`);
    const content = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    await writeRecord(path, { ...content, groups: 3, tornBytes: 7 });
    expect(await findings()).toMatchObject([
      { check: 'manifest', found: "its 'groups' says 3, the segment's bytes say 4" },
      { check: 'manifest chain', object: `${LINEAGE}/binlog.000002.json` },
    ]);
  });

  it('finds the first one chained to one before it: files in front of it were taken away', async () => {
    const path = at(`${LINEAGE}/binlog.000001.json`);
    const content = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    await writeRecord(path, { ...content, previousManifestSha256: '0'.repeat(64) });
    expect(await findings()).toContainEqual(
      expect.objectContaining({
        ...{ severity: 'error', check: 'manifest chain', object: `${LINEAGE}/binlog.000001.json` },
        found: 'it names a manifest before it, but the lineage begins here',
      }),
    );
  });

  it('says once what a damaged one breaks', async () => {
    await flipBit(at(`${LINEAGE}/binlog.000002.json`), 60, 0);
    expect(await outline()).toEqual([`error: record: ${LINEAGE}/binlog.000002.json`]);
  });

  it('takes manifests of earlier versions, without a hash of their own', async () => {
    const path = at(`${LINEAGE}/binlog.000004.json`);
    const { recordSha256: _, ...content } = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    await writeFile(path, `${JSON.stringify(content, null, 2)}\n`);
    expect(await outline()).toEqual([]);
  });
});

describe('verify of lineages', () => {
  it('checks the files of a lineage also when its record is damaged (peers 5: one bad file)', async () => {
    await writeFile(at(`${LINEAGE}/lineage.json`), '{"id": ');
    await flipBit(at(`${LINEAGE}/binlog.000002`), 300, 1);
    const found = await outline({ backups: false });
    expect(found[0]).toBe(`error: record: ${LINEAGE}/lineage.json`);
    expect(found).toContain(`error: segment: ${LINEAGE}/binlog.000002`);
  });

  it('finds a record that is of another lineage, or says other things than the first segment', async () => {
    await rename(at(LINEAGE), at('lineages/shop-9999'));
    expect((await outline({ backups: false }))[0]).toBe('error: lineage: lineages/shop-9999/lineage.json');
    await rename(at('lineages/shop-9999'), at(LINEAGE));
    const path = at(`${LINEAGE}/lineage.json`);
    await writeRecord(path, { ...aLineage(), firstOpenedAt: 1, firstGtidState: '0-1-7' });
    const found = await findings({ backups: false });
    expect(found.map(({ check, object, offset }) => [check, object, offset])).toEqual([
      ['lineage', `${LINEAGE}/binlog.000001`, 4],
      ['lineage', `${LINEAGE}/binlog.000001`, 4],
    ]);
  });

  it('finds a file where only folders belong', async () => {
    await writeFile(at('lineages/notes.txt'), '');
    await writeFile(at('backups/notes.txt'), '');
    expect(await outline()).toEqual([
      'error: foreign file: lineages/notes.txt',
      'error: foreign file: backups/notes.txt',
    ]);
  });

  it('finds nothing wrong with a file that its source left when it crashed (peers 28)', async () => {
    await using folder = await archiveFolder();
    const { writer } = folder.writer(await folder.end());
    const [first, second] = [
      new BinlogBuilder().between(gtidList('')),
      new BinlogBuilder().between(gtidList('0-101-1')),
    ];
    const insert = [query('insert')];
    first.group([mariadbGtid('0-101-1', { standalone: true }), ...insert], { ending: 'statement' });
    first.unfinished([mariadbGtid('0-101-2'), ...insert]);
    second.group([mariadbGtid('0-101-2', { standalone: true }), ...insert], { ending: 'statement' });
    for (const [index, { bytes }] of [first, second].entries()) {
      writer.rotate(FILES[index] ?? '', 4);
      writer.append(bytes, 4, bytes.length);
    }
    await writer.finish();
    const { findings: found, summary } = await verifyAt(folder.repository.path);
    expect(found).toEqual([]);
    expect(summary).toMatchObject({ segments: 2, groups: 2 });
  });

  it('finds a lineage whose parent is not there', async () => {
    await writeRecord(at(`${LINEAGE}/lineage.json`), { ...aLineage(), parent: 'shop-gone' });
    expect(await findings()).toMatchObject([
      { check: 'hand-over', found: 'lineage shop-gone, which it comes from, is not there' },
      { check: 'ledger', found: expect.stringContaining('how lineage shop-1a2b came after shop-gone') as string },
    ]);
  });

  it('takes a hand-over that both logs confirm, and no other', async () => {
    const [parentEnd, childEnd] = [scene.builders[4]?.groups.at(-1)?.end ?? 0, 0];
    expect(childEnd).toBe(0);
    const child = new BinlogBuilder().between(gtidList('0-101-19'));
    for (const number of [20, 21])
      child.group([mariadbGtid(`0-101-${number}`, { standalone: true }), query('insert')], { ending: 'statement' });
    const place = { file: 'binlog.000001', position: child.groups[0]?.end ?? 0 };
    const handOver: HandOver = {
      gtidState: '0-101-20',
      parent: { file: 'binlog.000005', position: parentEnd },
      child: place,
      stranded: 0,
    };
    const lineage = { ...aLineage({ id: 'shop-beef' }), parent: 'shop-1a2b', firstGtidState: '0-101-19', handOver };
    await mkdir(at('lineages/shop-beef'));
    await writeRecord(at('lineages/shop-beef/lineage.json'), lineage);
    await writeFile(at('lineages/shop-beef/binlog.000001'), child.bytes);
    expect(await outline()).toEqual([]);
    const wrong = { ...handOver, child: { ...place, position: child.groups[1]?.end ?? 0 } };
    await writeRecord(at('lineages/shop-beef/lineage.json'), { ...lineage, handOver: wrong });
    const found = await findings();
    expect(found).toMatchObject([{ check: 'hand-over', object: 'lineages/shop-beef/lineage.json' }]);
    expect(found[0]?.found).toContain('does not hold');
  });
});

describe('verify of groups', () => {
  it('finds a group that the log had before (peers 15: duplicate events)', async () => {
    const builder = buildLog(KIND)[4] as BinlogBuilder;
    const start = builder.size;
    builder.group([mariadbGtid('0-101-20', { standalone: true }), query('again')], { ending: 'statement' });
    await writeFile(at(OPEN), builder.bytes);
    expect(await findings()).toMatchObject([
      { severity: 'warning', check: 'doubled group', object: OPEN, offset: start },
    ]);
  });

  it('finds a file that does not begin where the one before it ended', async () => {
    const builder = new BinlogBuilder().between(gtidList('0-101-17'));
    await writeFile(at(OPEN), builder.bytes);
    await rm(at('catalog.sqlite'));
    expect(await findings()).toMatchObject([{ severity: 'error', check: 'continuity', object: OPEN, offset: 4 }]);
  });
});

describe('verify of the ledger', () => {
  it('shows what is known to be lost, and is no error', async () => {
    const { ledger } = await openRepository(copy.path);
    const noticedAt = '2026-11-22T10:00:00.000Z';
    await ledger.record({
      kind: 'gap',
      lineage: 'shop-1a2b',
      from: 'a.000001:4',
      to: 'a.000003:4',
      why: 'purged',
      noticedAt,
    });
    expect(await findings()).toMatchObject([
      { severity: 'info', check: 'ledger entry', found: 'gap in shop-1a2b, a.000001:4 to a.000003:4: purged' },
    ]);
    await appendFile(at('ledger.jsonl'), 'no entry\n');
    expect((await findings()).map(({ check, found }) => `${check}: ${found}`)).toEqual([
      'ledger: line 2 is no entry',
      'ledger entry: gap in shop-1a2b, a.000001:4 to a.000003:4: purged',
    ]);
    await rm(at('ledger.jsonl'));
    await mkdir(at('ledger.jsonl'));
    expect(await outline()).toEqual(['error: readable: ledger.jsonl']);
  });
});

it('verify names the line of the ledger in which a bit was flipped', async () => {
  const { ledger } = await openRepository(copy.path);
  const facts = { lineage: 'shop-1a2b', why: 'purged', noticedAt: '2026-11-22T10:00:00.000Z' };
  for (const from of ['a.000001:4', 'a.000005:4'])
    await ledger.record({ kind: 'gap', from, to: 'a.000008:4', ...facts });
  const text = await readFile(at('ledger.jsonl'), 'utf8');
  await writeFile(at('ledger.jsonl'), text.replace('a.000005:4', 'a.000004:4'));
  const found = 'line 2 is not as it was written: its hash over itself is another';
  const line1 = { severity: 'info', check: 'ledger entry' };
  expect(await findings()).toMatchObject([
    { severity: 'error', check: 'ledger', object: 'ledger.jsonl', found },
    line1,
  ]);
});

describe('verify of backups', () => {
  it('finds one whose place the archive does not have', async () => {
    await mkdir(at('backups/b2'));
    await writeRecord(at('backups/b2/backup.json'), aBackup('binlog.000009:400', { id: 'b2', gtid: '0-101-90' }));
    const found = await findings();
    expect(found).toMatchObject([{ severity: 'warning', check: 'backup coverage', object: 'backups/b2/backup.json' }]);
    expect(found[0]?.found).toBe('the archive does not reach binlog.000009:400 yet');
    expect(await outline({ backups: false })).toEqual([]);
  });

  it('finds the record of another backup', async () => {
    const path = at('backups/b1/backup.json');
    await writeRecord(path, aBackup('binlog.000001:4', { id: 'b2' }));
    expect((await findings())[0]).toMatchObject({
      ...{ severity: 'error', check: 'record', object: 'backups/b1/backup.json' },
      found: "its id is 'b2', not the name of its folder",
    });
  });

  it('finds an edited record, and says of one without its own hash that an edit would not show', async () => {
    const path = at('backups/b1/backup.json');
    const written = await readFile(path, 'utf8');
    const edited = written.replace('binlog.000002:', 'binlog.000003:');
    expect(edited).not.toBe(written);
    await writeFile(path, edited);
    const [error, ...others] = await findings();
    expect(others).toEqual([]);
    expect(error).toMatchObject({ severity: 'error', check: 'record', object: 'backups/b1/backup.json' });
    expect(error?.found).toBe('it is not as it was written: its hash over itself is another');
    expect(error?.fix).toMatch(/second copy.* move the folder '.*b1' out of the repository/);
    const { recordSha256: _, ...content } = JSON.parse(written) as Record<string, unknown>;
    await writeFile(path, `${JSON.stringify(content, null, 2)}\n`);
    expect(await outline()).toEqual(['info: backup not hashed: backups/b1/backup.json']);
  });

  it('finds a record without a hash that is no backup, and one that is no rehearsal', async () => {
    await writeFile(at('backups/b1/backup.json'), '{"id": "b1"}');
    await writeFile(at('rehearsals/r1.json'), '{"id": "r1"}');
    const found = await findings();
    expect(found.map(({ check, object, found: what }) => [check, object, what])).toEqual([
      ['record', 'backups/b1/backup.json', expect.stringMatching(/^it has no usable startedAt, .*primary$/) as string],
      ['record', 'rehearsals/r1.json', 'it is no record of a rehearsal'],
    ]);
  });

  it('finds an edited note of when archivers ran', async () => {
    const path = at('archiver-shop.json');
    await addArchiverRun(path, new Date('2026-11-22T10:00:00Z'));
    expect(await outline()).toEqual([]);
    await writeFile(path, (await readFile(path, 'utf8')).replace('10:00', '11:00'));
    expect(await outline()).toEqual(['error: record: archiver-shop.json']);
    expect(await readArchiverRuns(path)).toEqual([]);
  });

  it('leaves one alone that is being taken', async () => {
    await mkdir(at('backups/b3.partial'));
    await writeFile(at('backups/b3.partial/dump.sql.zst'), 'half');
    expect(await outline()).toEqual([]);
  });
});

describe('verify of the catalog', () => {
  const tamper = (sql: string): void => {
    const database = new Sqlite(at('catalog.sqlite'));
    database.exec(sql);
    database.close();
  };

  it('finds a row that says other things than a rebuild', async () => {
    tamper("UPDATE incident SET body = replace(body, 'DROP TABLE', 'DROP TABLA') WHERE number = 2");
    expect(await findings()).toMatchObject([
      {
        severity: 'warning',
        check: 'catalog',
        object: 'catalog.sqlite',
        fix: 'Stop the archiver and run `lastgood catalog rebuild`.',
      },
    ]);
  });

  it('finds nothing in one that is behind: the next command brings it up', async () => {
    tamper('DELETE FROM incident; DELETE FROM segment WHERE number > 1');
    expect(await outline()).toEqual(['warning: catalog: catalog.sqlite']);
    tamper('DELETE FROM segment');
    expect(await outline()).toEqual([]);
    await rm(at('catalog.sqlite'));
    expect(await outline()).toEqual([]);
  });

  it('finds nothing in one that is just being made, and does not make it', async () => {
    await rm(at('catalog.sqlite'));
    await writeFile(at('catalog.sqlite'), '');
    expect(await outline()).toEqual([]);
    expect(await readFile(at('catalog.sqlite'), 'utf8')).toBe('');
  });

  it('finds one of which a page is damaged, and still tells of everything else', async () => {
    tamper('PRAGMA journal_mode = DELETE');
    const bytes = await readFile(at('catalog.sqlite'));
    const page = 4096;
    for (let start = 2 * page; start < bytes.length; start += page) bytes[start] = 0xee; // no kind of page
    await writeFile(at('catalog.sqlite'), bytes);
    await flipBit(at(`${LINEAGE}/binlog.000002`), 300, 1);
    expect(await outline()).toEqual([
      `error: segment: ${LINEAGE}/binlog.000002`,
      'warning: backup coverage: backups/b1/backup.json',
      'warning: catalog: catalog.sqlite',
    ]);
  });

  it('finds one whose rows are no JSON any more', async () => {
    tamper("UPDATE segment SET digest = replace(digest, '{', '(')");
    expect(await outline()).toEqual(['warning: catalog: catalog.sqlite']);
  });

  it.each([1, 99])('does not compare one of another version, and does not change it: %i', async (version) => {
    tamper(`PRAGMA user_version = ${version}`);
    const before = await readFile(at('catalog.sqlite'));
    const names = await readdir(copy.path);
    expect(await outline()).toEqual(['info: catalog not compared: catalog.sqlite']);
    expect((await readFile(at('catalog.sqlite'))).equals(before)).toBe(true);
    expect(await readdir(copy.path)).toEqual(names);
  });

  it('finds one that is none', async () => {
    await copyFile(at('backups/b1/dump.sql.zst'), at('catalog.sqlite'));
    expect(await outline()).toEqual(['warning: catalog: catalog.sqlite']);
    await rm(at('catalog.sqlite'));
    await mkdir(at('catalog.sqlite')); // as in a repository that can only be read
    expect(await outline()).toEqual(['info: catalog not compared: catalog.sqlite']);
  });
});
