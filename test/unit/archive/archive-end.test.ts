import { createHash } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { manifestName } from '../../../src/archive/repository.ts';
import { archiveFolder, type ArchiveFolder } from '../../support/archive-folder.ts';
import { BinlogBuilder, gtidList, mariadbGtid, query } from '../../support/binlog-builder.ts';

function log(number: number): BinlogBuilder {
  const gtid = `0-101-${number}`;
  const builder = new BinlogBuilder().between(gtidList(number === 1 ? '' : `0-101-${number - 1}`));
  return builder.group([mariadbGtid(gtid, { standalone: true }), query('drop table t')], { gtid, ending: 'statement' });
}

const file = (number: number): string => `binlog.00000${number}`;

/** Three sealed segments and an open one. */
async function filledFolder(): Promise<ArchiveFolder> {
  const folder = await archiveFolder();
  const { writer } = folder.writer(await folder.end());
  for (const number of [1, 2, 3, 4]) {
    const { bytes } = log(number);
    writer.rotate(file(number), 4);
    writer.append(bytes, 4, bytes.length);
  }
  await writer.finish();
  return folder;
}

describe('readArchiveEnd', () => {
  it('finds nothing in an empty lineage', async () => {
    await using folder = await archiveFolder();
    expect(await folder.end()).toEqual({ sealed: null, open: null, tail: null, missing: [], damage: null });
  });

  it('finds the newest sealed segment, the open one and the newest group before each', async () => {
    await using folder = await filledFolder();
    const { sealed, open } = await folder.end();
    expect(sealed).toMatchObject({
      manifest: { file: file(3), gtidEnd: '0-101-3' },
      last: { file: file(3), gtid: '0-101-3' },
    });
    expect(open).toMatchObject({ file: file(4), size: log(4).size, gtidEnd: '0-101-4', last: { gtid: '0-101-4' } });
    await open?.close();
  });

  it('goes on after a hole in the past, and names what is missing', async () => {
    await using folder = await filledFolder();
    await rm(folder.path(file(2)));
    await rm(folder.path(manifestName(file(2))));
    const { open, missing } = await folder.end();
    expect(open?.file).toBe(file(4));
    expect(missing).toEqual([file(2)]);
    await open?.close();
  });

  it('chains on from a manifest whose bytes are gone: they may be put back', async () => {
    await using folder = await filledFolder();
    const bytes = await folder.read(file(3));
    await rm(folder.path(file(3)));
    const { writer, sealed } = folder.writer(await folder.end());
    writer.rotate(file(4), log(4).size);
    writer.rotate(file(5), 4);
    await writer.finish();
    await folder.put(file(3), bytes);
    const manifest = await folder.read(manifestName(file(3)));
    expect(sealed[0]?.previousManifestSha256).toBe(createHash('sha256').update(manifest).digest('hex'));
  });

  it('goes on behind a manifest that is damaged, and calls its segment missing', async () => {
    await using folder = await filledFolder();
    await folder.put(manifestName(file(2)), Buffer.from('{"fil'));
    const { open, sealed, missing } = await folder.end();
    expect([open?.file, sealed?.manifest.file, missing]).toEqual([file(4), file(3), [file(2)]]);
    await open?.close();
  });

  it('refuses a lineage whose newest segment has a damaged manifest, and says how to fetch it again', async () => {
    await using folder = await filledFolder();
    await rm(folder.path(file(4)));
    await folder.put(manifestName(file(3)), Buffer.from('{"fil'));
    await expect(folder.end()).rejects.toMatchObject({
      code: 'REPOSITORY_UNREADABLE',
      message: expect.stringContaining(`cannot read '${folder.path(manifestName(file(3)))}'`) as string,
      hint: expect.stringContaining('move it and the segment beside it out') as string,
    });
    for (const name of [file(3), manifestName(file(3))])
      await rename(folder.path(name), join(dirname(folder.repository.path), name));
    expect(await folder.end()).toMatchObject({ open: null, sealed: { manifest: { file: file(2) } }, missing: [] });
  });

  it('refuses a lineage whose newest segment has a manifest and no bytes', async () => {
    await using folder = await filledFolder();
    await rm(folder.path(file(4)));
    await rm(folder.path(file(3)));
    await expect(folder.end()).rejects.toMatchObject({
      code: 'ARCHIVE_DAMAGED',
      message: `segments are missing in '${dirname(folder.path(file(3)))}': ${file(3)}`,
      hint: expect.stringContaining('its manifest too, out of the repository') as string,
    });
  });

  it('refuses a segment without a manifest that is not the last one', async () => {
    await using folder = await filledFolder();
    await rm(folder.path(file(4)));
    await rm(folder.path(manifestName(file(2))));
    await expect(folder.end()).rejects.toMatchObject({
      code: 'ARCHIVE_DAMAGED',
      message: `segment '${folder.path(file(2))}' has no manifest, but later segments exist`,
    });
  });

  it('removes an open segment whose first event never became whole', async () => {
    await using folder = await filledFolder();
    await folder.put(file(4), log(4).bytes.subarray(0, 200));
    const { sealed, open } = await folder.end();
    expect(open).toBeNull();
    expect(sealed?.manifest.file).toBe(file(3));
    expect((await folder.segments()).map((segment) => segment.file)).toEqual([1, 2, 3].map(file));
  });

  it('seals again a segment whose manifest a crash kept from being written', async () => {
    await using folder = await filledFolder();
    await folder.append(file(4), Buffer.alloc(0));
    const { writer, sealed } = folder.writer(await folder.end());
    writer.rotate(file(4), log(4).size);
    writer.rotate(file(5), 4);
    await writer.finish();
    expect(sealed).toMatchObject([
      { file: file(4), bytes: log(4).size, previousManifestSha256: expect.any(String) as string },
    ]);
  });
});
