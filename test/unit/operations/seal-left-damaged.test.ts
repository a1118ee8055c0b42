import { rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { manifestName } from '../../../src/archive/repository.ts';
import { sealLeftLineages } from '../../../src/operations/seal-left.ts';
import { createLogger } from '../../../src/platform/logger.ts';
import { archiveFolder, type ArchiveFolder } from '../../support/archive-folder.ts';
import { BinlogBuilder, gtidList, mariadbGtid, query } from '../../support/binlog-builder.ts';
import { aLineage } from '../../support/in-memory-log.ts';

const silent = createLogger({ level: 'silent', pretty: false });

function log(number: number): Buffer {
  const gtid = `0-101-${number}`;
  const builder = new BinlogBuilder().between(gtidList(number === 1 ? '' : `0-101-${number - 1}`));
  return builder.group([mariadbGtid(gtid, { standalone: true }), query('drop table t')], { gtid, ending: 'statement' })
    .bytes;
}

const file = (number: number): string => `binlog.00000${number}`;

/** A sealed segment and an open one, in the first of three lineages; the second has an open one, the third is archived now. */
async function threeLineages(): Promise<ArchiveFolder> {
  const folder = await archiveFolder();
  const { writer } = folder.writer(await folder.end());
  for (const number of [1, 2]) {
    writer.rotate(file(number), 4);
    writer.append(log(number), 4, log(number).length);
  }
  await writer.finish();
  const { repository, lineage } = folder;
  const second = { ...aLineage({ id: 'shop-2b3c' }), parent: lineage.id };
  await repository.writeLineage(second);
  const { writer: later } = folder.writer({ ...NOTHING }, { lineage: second });
  later.rotate(file(1), 4);
  later.append(log(1), 4, log(1).length);
  await later.finish();
  await repository.writeLineage({ ...aLineage({ id: 'shop-3c4d' }), parent: second.id });
  return folder;
}

const NOTHING = { sealed: null, open: null, tail: null, missing: [], damage: null };

describe('sealLeftLineages', () => {
  it('tells of a lineage that is damaged, and goes on: the past does not keep the present from being archived', async () => {
    await using folder = await threeLineages();
    await rm(folder.path(manifestName(file(1)))); // not the last one, and no manifest
    const said: unknown[] = [];
    const sealed: string[] = [];
    await sealLeftLineages(folder.repository, 'shop', {
      packs: null,
      log: Object.assign(Object.create(silent) as typeof silent, { error: (...words: unknown[]) => said.push(words) }),
      signal: new AbortController().signal,
      onSealed: ({ id }, { digest }) => sealed.push(`${id} ${digest.file}`),
    });
    expect(sealed).toEqual([`shop-2b3c ${file(1)}`]);
    expect(said).toEqual([
      [
        expect.objectContaining({
          lineage: folder.lineage.id,
          error: expect.stringContaining('has no manifest, but later segments exist') as string,
        }),
        'cannot seal what is open in an earlier lineage',
      ],
    ]);
  });

  it('does not take an order to stop for damage', async () => {
    await using folder = await threeLineages();
    const sealing = sealLeftLineages(folder.repository, 'shop', {
      packs: null,
      log: silent,
      signal: AbortSignal.abort(),
      onSealed: () => undefined,
    });
    await expect(sealing).rejects.toMatchObject({ name: 'AbortError' });
  });
});
