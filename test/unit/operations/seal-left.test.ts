import { readdir } from 'node:fs/promises';
import { expect, it } from 'vitest';
import type { SourceIncident } from '../../../src/archive/ledger.ts';
import { packThreadFor } from '../../../src/archive/pack-thread.ts';
import { sealLeftLineages } from '../../../src/operations/seal-left.ts';
import { archiveFolder, type ArchiveFolder } from '../../support/archive-folder.ts';
import { silentLog } from '../../support/archiver.ts';
import { BinlogBuilder, gtidList, INCIDENT, mariadbGtid, query } from '../../support/binlog-builder.ts';
import { aLineage } from '../../support/in-memory-log.ts';
import { openFilesAt } from '../../support/open-files.ts';

const FILE = 'binlog.000001';
const OPTIONS = { packs: null, log: silentLog, signal: new AbortController().signal, onSealed: () => undefined };

function log(): BinlogBuilder {
  const gtid = '0-101-1';
  return new BinlogBuilder()
    .between(gtidList(''))
    .group([mariadbGtid(gtid, { standalone: true }), query('insert')], { gtid, ending: 'statement' });
}

/** The lineage of the folder was left for another one, with this file open. */
async function leftWith(bytes: Buffer): Promise<ArchiveFolder> {
  const folder = await archiveFolder();
  await folder.put(FILE, bytes);
  await folder.repository.writeLineage({ ...aLineage({ id: 'shop-3c4d' }), parent: folder.lineage.id });
  return folder;
}

async function files({ repository, lineage }: ArchiveFolder): Promise<string[]> {
  return (await readdir(repository.lineageFolder(lineage.id))).filter((name) => name.startsWith(FILE)).sort();
}

it('removes the plain file that a kill left beside the stored one of a sealed segment', async () => {
  await using folder = await leftWith(log().bytes);
  await using packs = packThreadFor('zstd', null);
  const sealed: string[] = [];
  const options = { ...OPTIONS, packs, onSealed: () => sealed.push(FILE) };
  await sealLeftLineages(folder.repository, 'shop', options);
  expect(await files(folder)).toEqual([`${FILE}.json`, `${FILE}.zst`]);
  await folder.put(FILE, log().bytes);
  await sealLeftLineages(folder.repository, 'shop', options);
  expect(await files(folder)).toEqual([`${FILE}.json`, `${FILE}.zst`]);
  expect(sealed).toEqual([FILE]);
});

it('puts an INCIDENT event that a crash kept out of the ledger into it before the segment is sealed, and tells of it', async () => {
  await using folder = await leftWith(log().between(INCIDENT).bytes);
  const told: SourceIncident[] = [];
  const onSourceIncident = (loss: SourceIncident): number => told.push(loss);
  await sealLeftLineages(folder.repository, 'shop', { ...OPTIONS, onSourceIncident });
  const expected = { kind: 'source-incident', lineage: folder.lineage.id, from: `${FILE}:${log().size}` };
  expect(await folder.repository.ledger.entries()).toMatchObject([expected]);
  expect(told).toMatchObject([expected]);
});

it('leaves the segment open, and its file closed, when its losses cannot be written down', async () => {
  await using folder = await leftWith(log().between(INCIDENT).bytes);
  const { repository } = folder;
  Object.assign(repository.ledger, { record: () => Promise.reject(new Error('no ledger')) });
  await expect(sealLeftLineages(repository, 'shop', OPTIONS)).rejects.toThrow('no ledger');
  expect(await folder.segments()).toMatchObject([{ file: FILE, state: 'open' }]);
  expect(openFilesAt(repository.path)).toEqual([]);
});
