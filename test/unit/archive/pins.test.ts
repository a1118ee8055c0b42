import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Pins, type Pin } from '../../../src/archive/pins.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';

const at = '2026-11-22T10:00:00.000Z';

function aPin(id: string, o: Partial<Pin> = {}): Pin {
  const segments = [{ lineage: 'shop-1', from: 'binlog.000001', to: 'binlog.000003' }];
  return { id, incident: id, backup: 'backup-1', segments, reason: 'drop-table', by: 'archiver', since: at, ...o };
}

async function withPins(work: (pins: Pins, path: string) => Promise<void>): Promise<void> {
  await using folder = await makeTempDirectory('lastgood-pins-');
  const path = join(folder.path, 'pins.jsonl');
  await work(new Pins(path), path);
}

describe('pins', () => {
  it('hold until they are ended, in the order they were made', async () => {
    await withPins(async (pins, path) => {
      expect(await pins.held()).toEqual([]);
      for (const id of ['inc-1', 'inc-2', 'inc-3']) await pins.pin(aPin(id));
      expect(await pins.unpin('inc-2', at)).toEqual(aPin('inc-2'));
      expect(await pins.unpin('inc-2', at)).toBeNull();
      expect(await new Pins(path).held()).toEqual([aPin('inc-1'), aPin('inc-3')]);
    });
  });

  it('of a person replace the one that the archiver made', async () => {
    await withPins(async (pins) => {
      await pins.pin(aPin('inc-1'));
      const mine = aPin('inc-1', { by: 'user', reason: 'ticket 4711' });
      await pins.pin(mine);
      expect(await pins.held()).toEqual([mine]);
    });
  });

  it('of the archiver are made once: what was let go stays so', async () => {
    await withPins(async (pins) => {
      expect([await pins.pinOnce(aPin('inc-1')), await pins.pinOnce(aPin('inc-1'))]).toEqual([true, false]);
      await pins.unpin('inc-1', at);
      expect([await pins.pinOnce(aPin('inc-1')), await pins.held()]).toEqual([false, []]);
      await pins.pin(aPin('inc-1', { by: 'user' })); // a person may
      expect(await pins.held()).toHaveLength(1);
    });
  });

  it('are not relied on while a line is damaged, and still made', async () => {
    await withPins(async (pins, path) => {
      await pins.pin(aPin('inc-1'));
      await appendFile(path, '{"kind":"pin"}\n');
      await pins.pin(aPin('inc-2'));
      await expect(pins.held()).rejects.toMatchObject({
        code: 'REPOSITORY_UNREADABLE',
        message: `cannot read the list of pins '${path}': line 2 is no entry`,
      });
      expect(await pins.read()).toEqual({ pins: [aPin('inc-1'), aPin('inc-2')], problems: ['line 2 is no entry'] });
    });
  });
});
