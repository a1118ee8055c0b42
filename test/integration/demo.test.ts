import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { demo } from '../../src/operations/demo.ts';
import { silentLog } from '../support/archiver.ts';

async function demoFolders(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith('lastgood-demo-'));
}

describe('the demo', () => {
  it('brings the dropped schema back as it was, tells the story, and leaves nothing', async () => {
    const before = await demoFolders();
    const lines: string[] = [];

    const { proof, lost, restored, incident, folder } = await demo({
      tell: (line) => lines.push(line),
      keep: false,
      log: silentLog,
    });

    expect(proof.ok).toBe(true);
    expect(restored).toEqual(lost);
    expect(lost.map(({ name }) => name)).toEqual(['customers', 'orders']);
    expect(incident.statement).toBe('DROP DATABASE shop');
    expect(lines.join('\n')).toContain(`found: ${incident.id}`);
    expect(lines.at(-1)).toBe('the last good state is back, in a server of its own');
    expect(folder).toBeNull();
    expect(await demoFolders()).toEqual(before);
  });

  it('keeps its folder when asked to', async () => {
    const { folder } = await demo({ tell: () => undefined, keep: true, log: silentLog });
    if (folder === null) throw new Error('the demo kept no folder');
    try {
      expect(existsSync(join(folder, 'archive', 'repository.json'))).toBe(true);
      expect(existsSync(join(folder, 'restored', 'lastgood.cnf'))).toBe(true);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('cleans up when interrupted', async () => {
    const before = await demoFolders();
    const controller = new AbortController();
    const tell = (line: string): void => {
      if (line.includes('DROP DATABASE')) controller.abort();
    };

    const interrupted = demo({ tell, keep: false, log: silentLog, signal: controller.signal });

    await expect(interrupted).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(await demoFolders()).toEqual(before);
  });
});
