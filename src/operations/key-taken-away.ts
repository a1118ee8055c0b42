import type { Lineage } from '../archive/lineage.ts';
import type { SegmentManifest } from '../archive/manifest.ts';
import type { Repository } from '../archive/repository.ts';
import { LastgoodError } from '../platform/errors.ts';

/**
 * Nobody stops encrypting by losing a line of the configuration: without a key file an archiver does not go on behind an encrypted
 * segment, unless it was told to store in clear.
 *
 * @param name of the [primary] whose segments are looked at; all are when it has none yet
 * @throws LastgoodError `CONFIG_INVALID` when the newest sealed segment is encrypted
 */
export async function refuseKeyTakenAway(repository: Repository, name: string): Promise<void> {
  if (repository.keys !== null) return;
  const newest = await newestSealed(repository, name);
  const keyId = newest?.manifest.encryption?.keyId;
  if (newest === null || keyId === undefined) return;
  const { file } = newest.manifest;
  throw new LastgoodError(
    'CONFIG_INVALID',
    `repository.encryption_key_file is not set, but segment '${file}' of '${newest.lineage.name}' is encrypted with key ${keyId}: new ones would be stored in clear`,
    {
      details: { file, keyId },
      hint: 'Name the key file again. To store new segments in clear from now on, set encryption = "off" under [repository].',
    },
  );
}

interface Sealed {
  readonly lineage: Lineage;
  readonly manifest: SegmentManifest;
}

/** Of one name, or where it has none, of any: another name for the same source is no order to store in clear. */
async function newestSealed(repository: Repository, name: string): Promise<Sealed | null> {
  const lineages = await repository.lineages();
  const others: Sealed[] = [];
  for (const lineage of lineages.toReversed()) {
    // A lineage that has only begun says nothing: then the one before it does.
    const sealed = (await repository.segments(lineage.id)).findLast(({ manifest }) => manifest !== null);
    const manifest = sealed?.manifest ?? null;
    if (manifest === null) continue;
    if (lineage.name === name) return { lineage, manifest };
    others.push({ lineage, manifest });
  }
  return others.toSorted((a, b) => sealedAt(a) - sealedAt(b)).at(-1) ?? null;
}

function sealedAt({ manifest }: Sealed): number {
  return Date.parse(manifest.sealedAt);
}
