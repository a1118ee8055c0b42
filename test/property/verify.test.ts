import { copyFile, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readKeyRing } from '../../src/archive/key-ring.ts';
import { packThreadFor } from '../../src/archive/pack-thread.ts';
import type { VerifyFinding } from '../../src/operations/verify.ts';
import { makeTempDirectory, type TempDirectory } from '../../src/platform/temp-dir.ts';
import {
  FILES,
  filesBelow,
  flipBit,
  verifyAt,
  verifyScene,
  type LogKind,
  type VerifyScene,
} from '../support/verify-scene.ts';

const KINDS: readonly (LogKind & { readonly name: string })[] = [
  { name: 'MariaDB', flavor: 'mariadb', checksum: 'crc32' },
  { name: 'MySQL', flavor: 'mysql', checksum: 'crc32' },
  { name: 'MariaDB without checksums', flavor: 'mariadb', checksum: 'none' },
];

/** A place by shares: of a list, of a file's bytes. */
const place = fc.record({ file: fc.nat(), byte: fc.nat(), bit: fc.nat(7) });

describe.each(KINDS)('verify of an archive of $name', (kind) => {
  let scene: VerifyScene;
  let shared: TempDirectory;
  let files: string[];

  beforeAll(async () => {
    scene = await verifyScene(kind);
    shared = await scene.copy();
    files = await filesBelow(scene.archive.repository.path);
  });

  afterAll(async () => {
    await shared[Symbol.asyncDispose]();
    await scene[Symbol.asyncDispose]();
  });

  const segmentPath = (file: string): string => join(scene.lineageFolder, file);

  /** Harms a copy, verifies it, and gives the errors. */
  const errorsAfter = async (harm: (root: string) => Promise<void>): Promise<VerifyFinding[]> => {
    await using copy = await scene.copy();
    await harm(copy.path);
    return await errorsOf(copy.path);
  };

  /** Changes one file of the copy that all runs share, and puts it back. */
  const errorsAfterChange = async (path: string, change: (bytes: Buffer) => Buffer): Promise<VerifyFinding[]> => {
    const bytes = await readFile(join(shared.path, path));
    await writeFile(join(shared.path, path), change(Buffer.from(bytes)));
    const errors = await errorsOf(shared.path);
    await writeFile(join(shared.path, path), bytes);
    return errors;
  };

  it('finds nothing where nothing is wrong', async () => {
    const { findings, summary } = await verifyAt(scene.archive.repository.path);
    expect(findings).toEqual([]);
    const bytes = scene.builders.reduce((sum, { size }) => sum + size, 0);
    expect(summary).toMatchObject({ lineages: 1, segments: 5, groups: 20, bytes, backups: 1, errors: 0, warnings: 0 });
  });

  it('finds any flipped bit, and names the file and the event', async () => {
    const [open] = FILES.slice(-1);
    // Bytes that are neither hashed nor checksummed can change unseen: an open file of a server without checksums.
    const harmable = files.filter((path) => kind.checksum === 'crc32' || basename(path) !== open);
    await fc.assert(
      fc.asyncProperty(place, async ({ file, byte, bit }) => {
        const path = harmable[file % harmable.length] ?? '';
        let at = 0;
        const errors = await errorsAfterChange(path, (bytes) => {
          at = byte % bytes.length;
          bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
          return bytes;
        });
        const named = errors.filter(({ object }) => object === path);
        expect(named, `bit ${bit} of byte ${at} of ${path}`).not.toEqual([]);
        const builder = scene.builders[FILES.indexOf(basename(path))];
        if (builder === undefined || kind.checksum === 'none') return;
        const { start, end } = builder.eventAt(at);
        const offsets = named.map(({ offset }) => offset);
        expect(
          offsets.some((offset) => offset !== null && offset <= start && at < end),
          offsets.join(),
        ).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('finds any tail that was cut off, and names the file and an offset in what is left', async () => {
    await fc.assert(
      fc.asyncProperty(place, async ({ file, byte }) => {
        const path = files[file % files.length] ?? '';
        let left = 0;
        const errors = await errorsAfterChange(path, (bytes) => {
          left = byte % bytes.length;
          return bytes.subarray(0, left);
        });
        const named = errors.filter(({ object }) => object === path);
        expect(named, `${path} cut to ${left}`).not.toEqual([]);
        if (!FILES.includes(basename(path))) return;
        expect(named.some(({ offset }) => offset !== null && offset <= left)).toBe(true);
      }),
      { numRuns: 15 },
    );
  });

  it('finds two segments that were swapped, with or without their manifests', async () => {
    // Neighbours, and others; the last file is open.
    const pairs = [
      [0, 1],
      [0, 3],
      [1, 4],
      [3, 4],
    ].map(([a = 0, b = 0]) => [FILES[a] ?? '', FILES[b] ?? ''] as const);
    for (const [a, b] of pairs) {
      for (const suffixes of [[''], ['', '.json']]) {
        if (suffixes.length > 1 && b === FILES.at(-1)) continue; // the open one has no manifest to swap
        const errors = await errorsAfter(async (root) => {
          for (const suffix of suffixes)
            await swap(join(root, segmentPath(a)) + suffix, join(root, segmentPath(b)) + suffix);
        });
        const objects = errors.map(({ object }) => object?.replace(/\.json$/, ''));
        expect(objects, `${a} and ${b}`).toEqual(expect.arrayContaining([segmentPath(a), segmentPath(b)]));
      }
    }
  });

  it('finds any file that was deleted', async () => {
    for (const path of files.filter((name) => name !== 'repository.json')) {
      const errors = await errorsAfter((root) => rm(join(root, path)));
      expect(errors.map(({ object }) => object)).toContain(path);
    }
  });

  it('finds a segment that is gone with its manifest', async () => {
    for (const file of FILES.slice(0, -1)) {
      const errors = await errorsAfter(async (root) => {
        await rm(join(root, segmentPath(file)));
        await rm(join(root, segmentPath(`${file}.json`)));
      });
      expect(errors).toMatchObject([{ check: 'missing segment', object: segmentPath(file) }]);
    }
  });

  it('finds any file that nobody wrote', async () => {
    const foreign = [
      ['binlog.000002', 'binlog.000006'],
      ['binlog.000005', 'binlog.000006'],
      ['binlog.000005', 'binlog.000099'],
      ['binlog.000003', 'binlog.0000003'],
      ['binlog.000001', 'other.000001'],
      ['binlog.000001', 'binlog.000001.zst'],
      ['binlog.000001', 'notes.txt'],
      ['binlog.000001.json', 'binlog.000006.json'],
    ];
    for (const [from = '', to = ''] of foreign) {
      const errors = await errorsAfter((root) => copyFile(join(root, segmentPath(from)), join(root, segmentPath(to))));
      // Behind a hole nothing ties a file to the log: then the hole is named, and the file behind it.
      const named = errors.map(({ object, found }) => `${object ?? ''} ${found}`).join('\n');
      expect(named, `${from} as ${to}`).toContain(to.replace(/\.json$/, ''));
    }
    const beside = await errorsAfter((root) => writeFile(join(root, 'backups/b1/extra.sql'), 'x'));
    expect(beside).toMatchObject([{ check: 'foreign file', object: 'backups/b1/extra.sql' }]);
  });

  it('gives the same findings in the same order, whenever it is asked', async () => {
    await using copy = await scene.copy();
    for (const file of [...FILES].reverse()) await flipBit(join(copy.path, segmentPath(file)), 40, 3);
    await flipBit(join(copy.path, 'backups/b1/dump.sql.zst'), 9, 0);
    const [first, second] = [await verifyAt(copy.path), await verifyAt(copy.path)];
    expect(second.findings).toEqual(first.findings);
    expect(new Set(first.findings.map(({ object }) => object))).toEqual(
      new Set([...FILES.map(segmentPath), 'backups/b1/dump.sql.zst']),
    );
  });
});

const FORMS = [
  { name: 'compressed', encrypted: false },
  { name: 'encrypted', encrypted: true },
];

describe.each(FORMS)('verify of $name segments', ({ encrypted }) => {
  let scene: VerifyScene;
  let keys: TempDirectory;
  let keyFile: string | null = null;
  let files: string[];

  beforeAll(async () => {
    keys = await makeTempDirectory('lastgood-keys-');
    if (encrypted) {
      keyFile = join(keys.path, 'keys');
      await writeFile(keyFile, 'a5'.repeat(32), { mode: 0o600 });
    }
    const ring = keyFile === null ? null : await readKeyRing(keyFile);
    await using packs = packThreadFor('zstd', ring);
    scene = await verifyScene({ flavor: 'mariadb', checksum: 'crc32' }, { packs, keyFile });
    files = await filesBelow(scene.archive.repository.path);
  });

  afterAll(async () => {
    await scene[Symbol.asyncDispose]();
    await keys[Symbol.asyncDispose]();
  });

  it('finds nothing where nothing is wrong', async () => {
    expect(files.filter((path) => /binlog\.\d+\.(?:zst|enc)$/.test(path))).toHaveLength(4);
    const { findings, summary } = await verifyAt(scene.archive.repository.path, { keyFile });
    expect(findings).toEqual([]);
    expect(summary).toMatchObject({ segments: 5, groups: 20, backups: 1 });
  });

  it('finds any flipped bit and any cut, and names the file', async () => {
    await using shared = await scene.copy();
    const check = async ({ file, byte, bit }: { file: number; byte: number; bit: number }, cut: boolean) => {
      const path = files[file % files.length] ?? '';
      const bytes = await readFile(join(shared.path, path));
      const changed = Buffer.from(bytes);
      const at = byte % bytes.length;
      changed[at] = (changed[at] ?? 0) ^ (1 << bit);
      await writeFile(join(shared.path, path), cut ? bytes.subarray(0, at) : changed);
      const errors = await errorsOf(shared.path, keyFile);
      await writeFile(join(shared.path, path), bytes);
      expect(
        errors.map(({ object }) => object),
        `${path} at ${at}`,
      ).toContain(path);
    };
    await fc.assert(fc.asyncProperty(place, fc.boolean(), check), { numRuns: 30 });
  });

  it('finds stored segments that were swapped with their manifests', async () => {
    const [first = '', second = ''] = files.filter((path) => /binlog\.\d+\.(?:zst|enc)$/.test(path));
    await using copy = await scene.copy();
    const manifest = (path: string): string => path.replace(/\.\w+$/, '.json');
    await swap(join(copy.path, first), join(copy.path, second));
    await swap(join(copy.path, manifest(first)), join(copy.path, manifest(second)));
    const objects = (await errorsOf(copy.path, keyFile)).map(({ object }) => object);
    expect(objects).toEqual(expect.arrayContaining([manifest(first), manifest(second)]));
  });

  if (!encrypted) return;

  it('says that it cannot read what it has no key for, and calls nothing damaged', async () => {
    const { findings } = await verifyAt(scene.archive.repository.path);
    const errors = findings.filter(({ severity }) => severity === 'error');
    expect(errors.map(({ check }) => check)).toEqual(['readable', 'readable', 'readable', 'readable']);
    expect(errors[0]?.found).toContain('but no key file is configured');
  });
});

async function errorsOf(root: string, keyFile: string | null = null): Promise<VerifyFinding[]> {
  const { findings } = await verifyAt(root, { keyFile });
  return findings.filter(({ severity }) => severity === 'error');
}

async function swap(a: string, b: string): Promise<void> {
  await rename(a, `${a}.swap`);
  await rename(b, a);
  await rename(`${a}.swap`, b);
}
