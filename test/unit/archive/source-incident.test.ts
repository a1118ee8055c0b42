import { describe, expect, it } from 'vitest';
import type { SourceIncident } from '../../../src/archive/ledger.ts';
import { packThreadFor } from '../../../src/archive/pack-thread.ts';
import { indexSegment } from '../../../src/archive/read-segment.ts';
import { waitFor } from '../../../src/platform/wait.ts';
import { archiveFolder, type ArchiveFolder } from '../../support/archive-folder.ts';
import { holdSyncs } from '../../support/held-syncs.ts';
import { openFilesAt } from '../../support/open-files.ts';
import { BinlogBuilder, gtidList, INCIDENT, mariadbGtid, query, rotate } from '../../support/binlog-builder.ts';

const FILE = 'binlog.000001';

function log(): BinlogBuilder {
  return new BinlogBuilder()
    .between(gtidList(''))
    .group([mariadbGtid('0-101-1', { standalone: true }), query('insert')], { gtid: '0-101-1', ending: 'statement' })
    .between(INCIDENT);
}

async function archiveWhole(folder: ArchiveFolder, builder: BinlogBuilder, from = 4): Promise<SourceIncident[]> {
  const told: SourceIncident[] = [];
  const { writer } = folder.writer(await folder.end(), { onSourceIncident: (loss) => told.push(loss) });
  writer.rotate(FILE, from);
  writer.append(builder.bytes, from, builder.size);
  const arrived = async (): Promise<boolean> => (await folder.segments())[0]?.bytes === builder.size;
  await waitFor(arrived, { timeoutMs: 5000, what: 'the bytes' });
  await writer.finish();
  return told;
}

describe('an INCIDENT event of the source', () => {
  it('is in the ledger, with its place, once, also when it is read again', async () => {
    await using folder = await archiveFolder();
    const builder = log();
    const event = builder.events.at(-1);
    const told = await archiveWhole(folder, builder);
    const expected = {
      kind: 'source-incident',
      lineage: folder.lineage.id,
      from: `${FILE}:${event?.start}`,
      to: `${FILE}:${event?.end}`,
      why: 'the source reports an incident: events may be missing here',
    };
    expect(await folder.repository.ledger.entries()).toMatchObject([expected]);
    expect(told).toMatchObject([expected]);
    const grown = log().between(rotate('binlog.000002'));
    expect(await archiveWhole(folder, grown, builder.size)).toEqual([]); // a restart is no new loss
    expect(await folder.repository.ledger.entries()).toMatchObject([expected]);
  });

  it('is an incident too, in the archive as in a new reading of it', async () => {
    await using folder = await archiveFolder();
    const builder = log();
    const { writer, updates } = folder.writer(await folder.end());
    writer.rotate(FILE, 4);
    writer.append(builder.bytes, 4, builder.size);
    const found = (): boolean => updates.some(({ incidents }) => incidents.length > 0);
    await waitFor(() => Promise.resolve(found()), { timeoutMs: 5000, what: 'the incident' });
    await writer.finish();
    const [segment] = await folder.segments();
    if (segment === undefined) throw new Error('nothing was archived');
    const { update } = await indexSegment({ segment, last: null, verifyChecksums: true });
    const { start, end } = builder.events.at(-1) ?? {};
    const what = {
      kind: 'source-incident',
      state: 'effective',
      objects: [],
      statement: 'lost',
      gtid: null,
      start,
      end,
    };
    expect(update?.incidents).toMatchObject([{ ...what, lastGood: { gtid: '0-101-1', end: start } }]);
    expect(updates.flatMap(({ incidents }) => incidents)).toEqual(update?.incidents);
  });

  it('that a crash kept out of the ledger is there before its segment is sealed', async () => {
    await using folder = await archiveFolder();
    await folder.put(FILE, log().bytes);
    const grown = log().between(rotate('binlog.000002'));
    const { writer } = folder.writer(await folder.end());
    writer.rotate(FILE, log().size);
    writer.append(grown.bytes, log().size, grown.size);
    writer.rotate('binlog.000002', 4);
    const recorded = async (): Promise<boolean> => (await folder.repository.ledger.entries()).length === 1;
    await waitFor(recorded, { timeoutMs: 5000, what: 'the ledger' });
    await writer.finish();
    expect((await folder.segments()).find(({ file }) => file === FILE)?.state).toBe('sealed');
  });

  it('that a sync has still to record is there before its segment is sealed', async () => {
    await using folder = await archiveFolder();
    await using packs = packThreadFor('zstd', null);
    const builder = log().between(rotate('binlog.000002'));
    const { writer, sealed } = folder.writer(await folder.end(), { packs });
    using syncs = await holdSyncs();
    writer.rotate(FILE, 4);
    writer.append(builder.bytes, 4, builder.size);
    await waitFor(() => syncs.begun === 1, { timeoutMs: 5000, what: 'the fsync' });
    const isPacking = (): boolean => openFilesAt(folder.repository.path).some((path) => path.endsWith('.partial'));
    await waitFor(isPacking, { timeoutMs: 20_000, what: 'the packing thread' });
    writer.rotate('binlog.000002', 4);
    for (let look = 0; look < 300; look += 1) await folder.segments(); // time enough for one that would not wait
    expect(sealed).toEqual([]);
    syncs.release();
    await waitFor(() => sealed.length === 1, { timeoutMs: 20_000, what: 'the seal' });
    expect(await folder.repository.ledger.entries()).toHaveLength(1);
    await writer.finish();
  });
});
