import { describe, expect, it } from 'vitest';
import { damageError, findDamage, type Damage } from '../../../src/recovery/find-damage.ts';
import type { Plan } from '../../../src/recovery/plan.ts';
import { archiveFolder } from '../../support/archive-folder.ts';
import { BinlogBuilder, gtidList, mariadbGtid, tableMap, writeRows, xid } from '../../support/binlog-builder.ts';

const FILE = 'binlog.000001';

function log(): BinlogBuilder {
  const builder = new BinlogBuilder().between(gtidList(''));
  for (const gtid of ['0-101-1', '0-101-2', '0-101-3']) {
    const events = [mariadbGtid(gtid), tableMap('shop', 't'), writeRows(100), xid()];
    builder.group(events, { gtid, threadId: null, ending: 'commit' });
  }
  return builder;
}

/** The damage that is found in [from, to) of a file with these bytes. */
async function damageIn(bytes: Buffer, { from, to }: { from: number; to: number }) {
  await using folder = await archiveFolder();
  await folder.put(FILE, bytes);
  const plan = {
    segments: [{ lineage: folder.lineage.id, file: FILE, from, to, bytes: to - from }],
  } as unknown as Plan;
  return await findDamage(folder.repository, plan);
}

/** A file with three groups, the place of one event of the second, and the range of the first two. */
function scene() {
  const { bytes, events, groups } = log();
  const [first, second] = groups;
  const event = events.findLast(({ start }) => start < (second?.end ?? 0));
  if (first === undefined || second === undefined || event === undefined) throw new Error('the log has no groups');
  return { bytes, event, starts: [first.start, second.start], range: { from: first.start, to: second.end } };
}

describe('findDamage', () => {
  it('finds nothing in a file as it was written', async () => {
    const { bytes, range } = scene();
    expect(await damageIn(bytes, range)).toBeNull();
  });

  it('names file and offset of the event with a flipped byte', async () => {
    const { bytes, event, starts, range } = scene();
    const at = event.end - 5;
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    expect(await damageIn(bytes, range)).toMatchObject({
      file: FILE,
      offset: event.start,
      problem: expect.stringContaining('checksum') as string,
      reaches: expect.stringMatching(new RegExp(`^.+/${FILE}:${String(starts[0])}$`)) as string,
    });
  });

  it('does not mind what follows the range', async () => {
    const { bytes, range } = scene();
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 5) ^ 1, bytes.length - 5);
    expect(await damageIn(bytes, range)).toBeNull();
    expect(await damageIn(bytes, { ...range, to: bytes.length })).not.toBeNull();
  });

  it('finds that the file became shorter, and where its last whole group ends', async () => {
    const { bytes, event, range, starts } = scene();
    const cut = bytes.subarray(0, event.start);
    expect(await damageIn(cut, range)).toMatchObject({ file: FILE, offset: starts[1] });
    const behindFirst = await damageIn(cut, { ...range, from: starts[1] ?? 0 });
    expect(behindFirst?.reaches).toBeNull();
    expect(damageError(behindFirst as Damage, null).hint).toContain('restore it from a second copy');
  });
});
