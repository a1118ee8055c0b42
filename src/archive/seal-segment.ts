import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { renameDurably, storageFailure, syncDirectory } from '../platform/durable-file.ts';
import { LastgoodError } from '../platform/errors.ts';
import { hashFile } from './hash-file.ts';
import type { SegmentDigest, SegmentManifest } from './manifest.ts';
import type { RunningPack } from './pack-thread.ts';
import type { ReceivedProof } from './received-bytes.ts';
import { manifestName, writeRecord } from './repository.ts';
import type { Packed } from './segment-pack.ts';
import { PLAIN } from './stored-form.ts';

/** A segment whose plain file is complete; closed and durable where it has no other form, or where all of it did not come in this run. */
export interface CompleteSegment {
  readonly path: string;
  readonly bytes: number;
  /** null when the file was cut since, so that it has to be read. */
  readonly received: ReceivedProof | null;
  /** Its other stored form, which is being finished; null: it stays as it is. */
  readonly pack: FinishingPack | null;
  readonly digest: SegmentDigest;
  readonly ending: Pick<SegmentManifest, 'ended' | 'tornBytes' | 'previousManifestSha256'>;
}

/** A stored form, and what becomes of it. */
export interface FinishingPack {
  readonly pack: RunningPack;
  readonly packed: Promise<Packed>;
}

/** What is on disk when a segment is sealed. */
export interface SealedSegment {
  readonly manifest: SegmentManifest;
  /**
   * Settles when the plain file is gone too, where that is not the stored form; the file system takes its time, so nobody has to
   * wait. Rejects with LastgoodError `STORAGE_FAILED`, which whoever leaves it alone does not see.
   */
  readonly cleared: Promise<void>;
}

type StoredFacts = Pick<SegmentManifest, 'compression' | 'encryption' | 'sha256' | 'storedBytes' | 'storedSha256'>;

/**
 * Seals a segment: its stored form durable under its name, then its manifest, then the plain file goes, unless it is the
 * stored form. Killed in between, the segment is still open, or sealed with a plain file too many: `heal-sealing.ts`.
 *
 * @throws LastgoodError `STORAGE_FAILED`; the segment is open then
 */
export async function sealSegment(segment: CompleteSegment): Promise<SealedSegment> {
  const { path, bytes, pack, digest, ending } = segment;
  const stored = pack === null ? await plainFacts(segment) : await finishPack(segment, pack);
  const sealedAt = new Date().toISOString();
  const manifest: SegmentManifest = { format: 1, ...digest, bytes, ...stored, ...ending, sealedAt };
  await writeRecord(join(dirname(path), manifestName(basename(path))), manifest);
  const cleared = pack === null ? Promise.resolve() : removePlain(path);
  cleared.catch(() => undefined);
  return { manifest, cleared };
}

async function plainFacts({ path, bytes, received }: CompleteSegment): Promise<StoredFacts> {
  const hash = received?.sha256 ?? (await hashFile(path)).sha256;
  return { ...PLAIN, sha256: hash, storedBytes: bytes, storedSha256: hash };
}

/** What was stored was read back block by block; that all of it is what was received is what hash or fingerprint says. */
async function finishPack(
  { path, received }: CompleteSegment,
  { pack, packed: finished }: FinishingPack,
): Promise<StoredFacts> {
  const { fingerprint, ...packed } = await finished;
  if (differs(received?.sha256, packed.sha256) || differs(received?.fingerprint, fingerprint)) {
    await rm(pack.partialPath, { force: true });
    throw new LastgoodError('STORAGE_FAILED', `'${path}' is not what was written to it`, {
      hint: 'Is the disk or the memory faulty? The file is checked again when `lastgood archive` starts.',
    });
  }
  try {
    await renameDurably(pack.partialPath, pack.storedPath);
  } catch (error) {
    throw storageFailure(pack.storedPath, error);
  }
  return { ...pack.form, ...packed };
}

function differs(received: string | null | undefined, stored: string | null): boolean {
  return received !== null && received !== undefined && received !== stored;
}

/** Durably: a power cut must not bring plain bytes back beside encrypted ones. */
async function removePlain(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
    await syncDirectory(dirname(path));
  } catch (error) {
    throw storageFailure(path, error);
  }
}
