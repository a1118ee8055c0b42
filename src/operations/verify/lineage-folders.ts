import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { damageOfFailure, type Damage } from '../../archive/damage.ts';
import { findOwnAncestor, type Lineage } from '../../archive/lineage.ts';
import type { Repository } from '../../archive/repository.ts';
import { verifyRecord } from '../../archive/verify-record.ts';
import type { LineageFolder } from './lineage-pass.ts';

export interface LineageFolders {
  /** In the order they began; those whose lineage.json cannot be relied on come last. */
  readonly folders: readonly LineageFolder[];
  readonly damages: readonly Damage[];
}

/** Lists the lineages' folders, and checks each lineage.json. */
export async function listLineageFolders(repository: Repository): Promise<LineageFolders> {
  const parent = join(repository.path, 'lineages');
  const { names, damages } = await listFolders(parent);
  const folders: LineageFolder[] = [];
  for (const id of names) {
    const found = await readFolder(repository, id);
    if (found.folder !== null) folders.push(found.folder);
    damages.push(...found.damages);
  }
  damages.push(...checkParents(folders));
  return { folders: folders.sort(inOrder), damages };
}

function checkParents(folders: readonly LineageFolder[]): Damage[] {
  const wrong = findOwnAncestor(folders.flatMap(({ lineage }) => lineage ?? []));
  const path = folders.find(({ id }) => id === wrong?.id)?.path;
  if (path === undefined) return [];
  const found = 'by its parents the lineage comes after itself';
  return [{ check: 'lineage', path: join(path, 'lineage.json'), offset: null, found }];
}

/** The folders in a folder, sorted; nobody writes files beside them. */
export async function listFolders(path: string): Promise<{ names: string[]; damages: Damage[] }> {
  const { names, damages } = await listNames(path);
  const isFolder = await Promise.all(
    names.map(async (name) =>
      stat(join(path, name)).then(
        (found) => found.isDirectory(),
        () => true, // reading it will tell why not
      ),
    ),
  );
  const found = 'only folders belong here: nobody here wrote it';
  const foreign = names.filter((_, index) => isFolder[index] === false);
  damages.push(
    ...foreign.map((name): Damage => ({ check: 'foreign file', path: join(path, name), offset: null, found })),
  );
  return { names: names.filter((name) => !foreign.includes(name)), damages };
}

/** The names in a folder, sorted, or why it cannot be read. */
export async function listNames(path: string): Promise<{ names: string[]; damages: Damage[] }> {
  try {
    return { names: (await readdir(path)).sort(), damages: [] };
  } catch (error) {
    return { names: [], damages: [damageOfFailure(error, { check: 'readable', path, offset: null })] };
  }
}

async function readFolder(
  repository: Repository,
  id: string,
): Promise<{ folder: LineageFolder | null; damages: readonly Damage[] }> {
  const path = repository.lineageFolder(id);
  const { names, damages } = await listNames(path);
  if (damages.length > 0) return { folder: null, damages };
  const file = join(path, 'lineage.json');
  const record = await verifyRecord<Lineage>(file);
  if (record === null) {
    // Its folder is made first, its record second, its first segment last.
    const isBegun = names.every((name) => name === 'lineage.json.partial');
    return isBegun
      ? { folder: null, damages: [{ check: 'leftover', path, offset: null, found: 'no lineage was begun in it' }] }
      : {
          folder: { id, path, lineage: null },
          damages: [{ check: 'lineage', path: file, offset: null, found: 'it is not there' }],
        };
  }
  const lineage = record.content;
  if (lineage === null || lineage.id === id) return { folder: { id, path, lineage }, damages: record.damages };
  const found = `it is of lineage '${lineage.id}'`;
  return { folder: { id, path, lineage: null }, damages: [{ check: 'lineage', path: file, offset: null, found }] };
}

function inOrder(a: LineageFolder, b: LineageFolder): number {
  const keys = [a, b].map(({ id, lineage }) => `${lineage?.createdAt ?? '~'} ${id}`) as [string, string];
  return keys[0] < keys[1] ? -1 : 1;
}
