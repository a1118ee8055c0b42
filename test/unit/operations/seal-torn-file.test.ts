import { expect, it } from 'vitest';
import { sealTornFile } from '../../../src/operations/seal-torn-file.ts';
import type { Source } from '../../../src/operations/source-log.ts';
import { archiveFolder } from '../../support/archive-folder.ts';
import { silentLog } from '../../support/archiver.ts';
import { BinlogBuilder, gtidList, mariadbGtid, query } from '../../support/binlog-builder.ts';
import { openFilesAt } from '../../support/open-files.ts';

it('leaves no file open when the source cannot be asked: a retry opens it anew', async () => {
  await using folder = await archiveFolder();
  const events = [mariadbGtid('0-101-1', { standalone: true }), query('insert')];
  const log = new BinlogBuilder().between(gtidList('')).group(events, { gtid: '0-101-1', ending: 'statement' });
  await folder.put('binlog.000001', log.bytes);
  const { repository, lineage } = folder;
  const primary = { name: 'shop', socket: folder.path('no.sock'), user: 'root', password: '', serverId: 1 };
  const logs = [{ file: 'binlog.000002', bytes: 4 }];
  const source = { primary, logs, flavor: 'mariadb', identity: { serverId: 1, serverUuid: null } } as unknown as Source;
  const options = { repository, lineage, packs: null, onSourceIncident: () => undefined, log: silentLog };
  await expect(sealTornFile(await folder.end(), source, options)).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
  expect(openFilesAt(repository.path)).toEqual([]);
});
