import { randomBytes } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findKey, newestKey, readKeyRing } from '../../../src/archive/key-ring.ts';
import { makeTempDirectory, type TempDirectory } from '../../../src/platform/temp-dir.ts';

let folder: TempDirectory;

beforeAll(async () => {
  folder = await makeTempDirectory('lastgood-keys-');
});
afterAll(() => folder[Symbol.asyncDispose]());

async function put(content: string | Buffer, mode = 0o600): Promise<string> {
  const path = join(folder.path, randomBytes(6).toString('hex'));
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

describe('a key file', () => {
  it('holds the same key as hex digits, as base64 and as raw bytes', async () => {
    const key = randomBytes(32);
    const contents = [key.toString('hex'), `# of 2026\n\n${key.toString('base64')}\r\n`, key];
    const rings = await Promise.all(contents.map(async (content) => readKeyRing(await put(content))));
    expect(new Set(rings.map(({ keys }) => keys.map(({ id }) => id).join())).size).toBe(1);
    for (const { keys } of rings) expect(keys[0].secret.export().equals(key)).toBe(true);
  });

  it('encrypts with its last key, and finds each by its id', async () => {
    const lines = [randomBytes(32), randomBytes(32)].map((key) => key.toString('hex'));
    const ring = await readKeyRing(await put(lines.join('\n')));
    expect(newestKey(ring).secret.export().toString('hex')).toBe(lines[1]);
    for (const key of ring.keys) expect(findKey(ring, key.id, 'x')).toBe(key);
    expect(JSON.stringify(ring)).not.toContain(lines[0]);
  });

  it('that others may use is refused', async () => {
    const path = await put(randomBytes(32), 0o644);
    await expect(readKeyRing(path)).rejects.toMatchObject({
      code: 'KEY_FILE_INVALID',
      message: `the key file '${path}' has mode 0644: others could use its keys`,
    });
    expect((await readKeyRing(await put(randomBytes(32), 0o640))).keys).toHaveLength(1);
  });

  it('that holds something else is refused without showing it', async () => {
    const line = randomBytes(31).toString('hex');
    const path = await put(`# key\n${line}\n`);
    const refused = await readKeyRing(path).catch((error: unknown) => error as Error);
    expect(refused).toMatchObject({
      code: 'KEY_FILE_INVALID',
      message: `line 2 of the key file '${path}' is no key of 32 bytes`,
    });
    await expect(readKeyRing(await put('\n# nothing yet\n'))).rejects.toMatchObject({ code: 'KEY_FILE_INVALID' });
    await expect(readKeyRing(join(folder.path, 'gone'))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  });

  it('without the key of a segment is told with both ids', async () => {
    const ring = await readKeyRing(await put(randomBytes(32).toString('hex')));
    expect(() => findKey(ring, '0011223344556677', '/a/binlog.000001.enc')).toThrow(
      `segment '/a/binlog.000001.enc' is encrypted with key 0011223344556677, but the key file '${ring.file}' holds ${ring.keys[0].id}`,
    );
    expect(() => findKey(null, '0011223344556677', '/a')).toThrow('but no key file is configured');
  });
});
