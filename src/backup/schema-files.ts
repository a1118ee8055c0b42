import { join } from 'node:path';
import type { ServerOptions } from '../server/server-options.ts';
import { BACKUP_FILES, type BackupFile } from './backup-files.ts';
import type { DumpScope } from './dump-scope.ts';
import { dumpExactRows } from './exact-rows.ts';
import { dumpMysqlSchemas } from './mysql/mysql-schemas.ts';
import { dumpSchemas, dumpTriggers } from './sql-dump.ts';

export interface SchemaFilesOptions {
  readonly folder: string;
  readonly replica: ServerOptions;
  readonly scope: DumpScope;
  /** Called once, as soon as the snapshot of the first file has certainly been taken; the others have none. */
  readonly onSnapshot: () => void;
  /** Bytes of SQL so far. */
  readonly onProgress: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes all that schemas hold: one file, or three where the tool would not write some tables' rows exactly.
 *
 * @returns the files in the order in which they load
 */
export async function dumpSchemaFiles(o: SchemaFilesOptions): Promise<BackupFile[]> {
  const { replica, signal } = o;
  const { schemas, views, brokenViews, inexactTables } = o.scope;
  const path = (name: string): string => join(o.folder, name);
  let bytesOfSchemas = 0;
  const inSchemas = await dumpSchemas({
    path: path(BACKUP_FILES.schemas),
    replica,
    schemas,
    views,
    brokenViews,
    withoutRows: inexactTables,
    onSnapshot: o.onSnapshot,
    onProgress: (bytes) => {
      bytesOfSchemas = bytes;
      o.onProgress(bytes);
    },
    signal,
  });
  const files = [{ name: BACKUP_FILES.schemas, ...inSchemas }];
  if (inexactTables.length === 0) return files;
  const rows = await dumpExactRows({
    path: path(BACKUP_FILES.rows),
    server: replica,
    tables: inexactTables,
    onProgress: (bytes) => {
      o.onProgress(bytesOfSchemas + bytes);
    },
    signal,
  });
  const triggers = await dumpTriggers({ path: path(BACKUP_FILES.triggers), replica, schemas, views, signal });
  return [...files, { name: BACKUP_FILES.rows, ...rows }, { name: BACKUP_FILES.triggers, ...triggers }];
}

/** The same of MySQL: always one file, exact. */
export async function dumpMysqlFiles({ folder, ...o }: SchemaFilesOptions): Promise<BackupFile[]> {
  const name = BACKUP_FILES.schemas;
  return [{ name, ...(await dumpMysqlSchemas({ ...o, path: join(folder, name) })) }];
}
