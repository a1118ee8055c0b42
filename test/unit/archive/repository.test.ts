import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRepository, writeRecord } from '../../../src/archive/repository.ts';
import { renderRecord } from '../../../src/archive/record-text.ts';
import { findRecord } from '../../../src/archive/stored-records.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import { archiveFolder } from '../../support/archive-folder.ts';
import { aBackup, aLineage } from '../../support/in-memory-log.ts';

describe('openRepository', () => {
  it('makes a repository where it is told to, and finds the same one again', async () => {
    await using folder = await makeTempDirectory('lastgood-repository-');
    const path = join(folder.path, 'new', 'repository');
    await expect(openRepository(path)).rejects.toMatchObject({
      code: 'REPOSITORY_MISSING',
      message: `no repository at '${path}'`,
    });
    const { id } = await openRepository(path, { create: true });
    expect((await openRepository(path)).id).toBe(id);
    expect((await openRepository(path, { create: true })).id).toBe(id);
  });

  it('refuses a repository of a newer format', async () => {
    await using folder = await makeTempDirectory('lastgood-repository-');
    await writeFile(join(folder.path, 'repository.json'), '{"format":3,"id":"x"}');
    await expect(openRepository(folder.path)).rejects.toMatchObject({
      code: 'REPOSITORY_VERSION',
      message: `repository '${folder.path}' has format 3, this lastgood reads up to 2`,
    });
  });

  it('reads an older format, and raises it once an archiver is at work there: older readers would not find its segments', async () => {
    await using folder = await makeTempDirectory('lastgood-repository-');
    const file = join(folder.path, 'repository.json');
    await writeFile(file, '{"format":1,"id":"x"}');
    await openRepository(folder.path);
    expect(await readFile(file, 'utf8')).toBe('{"format":1,"id":"x"}');
    expect((await openRepository(folder.path, { create: true })).id).toBe('x');
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ format: 2, id: 'x' });
  });

  it('does not take a file for a place where there is no repository yet', async () => {
    await using folder = await makeTempDirectory('lastgood-repository-');
    const file = join(folder.path, 'a-file');
    await writeFile(file, 'x');
    for (const [path, why] of [
      [file, 'is not a folder'],
      [join(file, 'below', 'deep'), `cannot be there: '${file}' is not a folder`],
    ] as const) {
      for (const create of [false, true]) {
        await expect(openRepository(path, { create })).rejects.toMatchObject({
          code: 'REPOSITORY_UNREADABLE',
          message: `repository '${path}' ${why}`,
          hint: expect.stringContaining('repository.url') as string,
        });
      }
    }
  });

  it('does not take an unreadable record for a missing one', async () => {
    await using folder = await makeTempDirectory('lastgood-repository-');
    await writeFile(join(folder.path, 'repository.json'), '{"format":');
    await expect(openRepository(folder.path, { create: true })).rejects.toMatchObject({
      code: 'REPOSITORY_UNREADABLE',
    });
    expect(await readFile(join(folder.path, 'repository.json'), 'utf8')).toBe('{"format":');
  });
});

describe('Repository', () => {
  it('lists segments as the server counts them, with what is sealed', async () => {
    await using folder = await archiveFolder();
    for (const name of ['binlog.1000000', 'binlog.999998', 'binlog.999999']) await folder.put(name, Buffer.alloc(7));
    await folder.put('binlog.999998.json', Buffer.from('{"file":"binlog.999998"}'));
    await folder.put('binlog.999999.json.partial', Buffer.from('{}'));
    expect((await folder.segments()).map(({ file, state, bytes }) => [file, state, bytes])).toEqual([
      ['binlog.999998', 'sealed', 7],
      ['binlog.999999', 'open', 7],
      ['binlog.1000000', 'open', 7],
    ]);
  });

  it('does not show a lineage that cannot be read as an empty one', async () => {
    await using folder = await archiveFolder();
    await expect(folder.repository.segments('other')).rejects.toMatchObject({ code: 'REPOSITORY_UNREADABLE' });
    await folder.put('binlog.000001', Buffer.alloc(4));
    await mkdir(folder.path('binlog.000001.json'));
    await expect(folder.segments()).rejects.toMatchObject({ code: 'REPOSITORY_UNREADABLE' });
  });

  it('names a manifest that is damaged, and lists the other segments', async () => {
    await using folder = await archiveFolder();
    for (const name of ['binlog.000001', 'binlog.000002', 'binlog.000003']) await folder.put(name, Buffer.alloc(4));
    await folder.put('binlog.000001.json', Buffer.from('{"file":"binlog.000001"}'));
    await folder.put('binlog.000002.json', Buffer.from('{"fil'));
    const { records, unreadable } = await folder.repository.storedSegments(folder.lineage.id);
    expect(records.map(({ file, state }) => [file, state])).toEqual([
      ['binlog.000001', 'sealed'],
      ['binlog.000003', 'open'],
    ]);
    expect(unreadable).toMatchObject([{ id: 'binlog.000002', error: { code: 'REPOSITORY_UNREADABLE' } }]);
    const lineage = { ...folder.lineage, firstFile: 'binlog.000001' };
    expect(await folder.repository.missingSegments(lineage)).toEqual(['binlog.000002']);
  });

  it('lists lineages in the order they began', async () => {
    await using folder = await archiveFolder();
    const older = { ...aLineage({ id: 'zoo-1' }), createdAt: '2020-01-01T00:00:00Z' };
    await folder.repository.writeLineage(older);
    expect((await folder.repository.lineages()).map(({ id }) => id)).toEqual(['zoo-1', 'shop-1a2b']);
  });

  it('lists backups oldest first, and not those that are unfinished', async () => {
    await using folder = await archiveFolder();
    const { repository } = folder;
    const [late, early] = [
      aBackup('binlog.000001:900', { finishedAt: 2000 }),
      aBackup('binlog.000001:4', { finishedAt: 1000 }),
    ];
    for (const backup of [late, early]) {
      await mkdir(repository.backupFolder(backup.id));
      await writeRecord(join(repository.backupFolder(backup.id), 'backup.json'), backup);
    }
    await mkdir(repository.backupFolder('no-record'));
    await mkdir(repository.backupFolder('under-way.partial'));
    await writeRecord(join(repository.backupFolder('under-way.partial'), 'backup.json'), late);
    const { records, unreadable } = await repository.backups();
    expect(records.map(({ id }) => id)).toEqual([early.id, late.id]);
    expect(unreadable).toEqual([]);
  });

  it('uses no record of a backup that was changed, is of another folder, or is no JSON', async () => {
    await using folder = await archiveFolder();
    const { repository } = folder;
    const backup = aBackup('binlog.000001:900', { id: 'b1' });
    const path = join(repository.backupFolder('b1'), 'backup.json');
    await mkdir(repository.backupFolder('b1'));
    await writeRecord(path, backup);
    expect(await repository.backups()).toEqual({ records: [backup], unreadable: [] });
    const written = await readFile(path, 'utf8');
    const spoiled = [
      [written.replace('binlog.000001:900', 'binlog.000001:901'), 'it is not as it was written'],
      [renderRecord({ ...backup, id: 'b2' }), "its id is 'b2', not the name of its folder"],
      [written.slice(0, -9), 'JSON'],
      [`${JSON.stringify({ ...backup, primary: { coordinates: 'nowhere' } })}\n`, 'it has no usable primary'],
      ['{"id": "b1"}', 'it has no usable startedAt, finishedAt, bytes, files, databases, settings, replica, primary'],
    ] as const;
    for (const [text, why] of spoiled) {
      await writeFile(path, text);
      const error = {
        code: 'REPOSITORY_UNREADABLE',
        message: expect.stringMatching(`^cannot read '${path}': .*${why}`) as string,
        hint: expect.stringMatching(`second copy.*move the folder '${dirname(path)}' out`) as string,
      };
      const found = await repository.backups();
      expect(found).toMatchObject({ records: [], unreadable: [{ id: 'b1', path, error }] });
      expect(() => findRecord(found, 'b1')).toThrow(found.unreadable[0]?.error);
    }
  });

  it('uses a record that was only laid out anew', async () => {
    await using folder = await archiveFolder();
    const { repository } = folder;
    const backup = aBackup('binlog.000001:900', { id: 'b1' });
    await mkdir(repository.backupFolder('b1'));
    const text = JSON.stringify(JSON.parse(renderRecord(backup)));
    await writeFile(join(repository.backupFolder('b1'), 'backup.json'), text);
    expect(await repository.backups()).toEqual({ records: [backup], unreadable: [] });
  });

  it('knows a backup by its files when its record is gone, and lists every other one', async () => {
    await using folder = await archiveFolder();
    const { repository } = folder;
    for (const id of ['b1', 'b2']) {
      await mkdir(repository.backupFolder(id));
      await writeRecord(join(repository.backupFolder(id), 'backup.json'), aBackup('binlog.000001:900', { id }));
      await writeFile(join(repository.backupFolder(id), 'dump.sql.zst'), 'dump');
    }
    await rm(join(repository.backupFolder('b1'), 'backup.json'));
    await writeFile(join(repository.path, 'backups', 'notes.txt'), 'a file, no folder');
    const { records, unreadable } = await repository.backups();
    expect(records.map(({ id }) => id)).toEqual(['b2']);
    expect(unreadable.map(({ id, error }) => `${id}: ${error.message}`)).toEqual([
      `b1: cannot read '${repository.backupFolder('b1')}/backup.json': it is not there, though the backup's files are`,
    ]);
  });

  it('takes no rehearsal on trust that was edited, and every other one', async () => {
    await using folder = await archiveFolder();
    const { repository } = folder;
    const seconds = { load: 1, replay: 1, proof: 1, total: 3 };
    const one = {
      ...{
        format: 1 as const,
        id: 'r1',
        startedAt: '2026-11-22T10:00:00Z',
        ok: false,
        lineage: 'shop-1a2b',
        backup: 'b1',
      },
      ...{ file: 'binlog.000001', position: 900, gtid: null, backupBytes: 1, replayedBytes: 1, groups: 1, seconds },
    };
    const other = { ...one, id: 'r2', startedAt: '2026-11-22T11:00:00Z' };
    for (const record of [one, other]) await repository.writeRehearsal(record);
    expect(await repository.rehearsals()).toEqual({ records: [one, other], unreadable: [] });
    const path = join(repository.path, 'rehearsals', 'r2.json');
    await writeFile(path, (await readFile(path, 'utf8')).replace('"ok": false', '"ok": true'));
    const hint = expect.stringContaining('move the file out of the repository') as string;
    expect(await repository.rehearsals()).toMatchObject({
      records: [one],
      unreadable: [{ id: 'r2', error: { hint } }],
    });
    await writeFile(path, '{"id": "r2"}');
    expect(await repository.rehearsals()).toMatchObject({ records: [one], unreadable: [{ id: 'r2' }] });
  });
});
