import { readKeyRing, type KeyRing } from '../../archive/key-ring.ts';
import type { Repository } from '../../archive/repository.ts';
import { isLastgoodError } from '../../platform/errors.ts';
import type { Finding } from '../finding.ts';

/** Whether the configured key file can be used: a restore is not the moment to find out. */
export async function inspectKeyFile(path: string | null): Promise<{ usable: string | null; findings: Finding[] }> {
  if (path === null) return { usable: null, findings: [] };
  try {
    await readKeyRing(path);
    return { usable: path, findings: [] };
  } catch (error) {
    if (!isLastgoodError(error)) throw error;
    return { usable: null, findings: [keyFinding(path, error.message, error.hint)] };
  }
}

/** Whether every encrypted segment has its key; one finding a key. */
export async function findMissingKeys(repository: Repository): Promise<Finding[]> {
  const lacking = new Map<string, string[]>();
  for (const { id } of await repository.lineages()) {
    for (const { path, manifest } of await repository.segments(id)) {
      const keyId = manifest?.encryption?.keyId;
      if (keyId !== undefined && !has(repository.keys, keyId))
        lacking.set(keyId, [...(lacking.get(keyId) ?? []), path]);
    }
  }
  const holds = repository.keys === null ? 'no key can be read' : `'${repository.keys.file}' does not hold it`;
  return [...lacking].map(([keyId, paths]) =>
    keyFinding(
      repository.path,
      `key ${keyId} is needed for ${count(paths)} '${paths.at(-1) ?? ''}', but ${holds}`,
      'Put that key into the file that repository.encryption_key_file names: without it they cannot be restored from.',
    ),
  );
}

function count({ length }: readonly string[]): string {
  return length === 1 ? 'segment' : `${length} segments, the last one`;
}

function has(keys: KeyRing | null, keyId: string): boolean {
  return keys?.keys.some(({ id }) => id === keyId) === true;
}

function keyFinding(object: string, found: string, fix: string): Finding {
  return { severity: 'error', check: 'key file', object, found, fix };
}
