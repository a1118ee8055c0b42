import { readFile } from 'node:fs/promises';
import { BinlogReader } from '../../src/binlog/binlog-reader.ts';
import type { BinlogProblem } from '../../src/binlog/event-view.ts';
import type { RowChange } from '../../src/binlog/group.ts';

/** Rows of one kind that were changed in one table, event after event, as one. */
interface Change {
  readonly kind: RowChange['kind'];
  /** `schema.table` */
  readonly table: string;
  rows: number;
}

/** Which rows a file says were changed, in order; of inserts only that there were some. */
export async function rowChanges(path: string): Promise<{ changes: Change[]; problems: readonly BinlogProblem[] }> {
  const changes: Change[] = [];
  const reader = new BinlogReader({
    verifyChecksums: true,
    visitor: {
      query: () => undefined,
      group: () => undefined,
      rows: ({ kind, schema, table, rows }) => {
        const last = changes.at(-1);
        const name = `${schema}.${table}`;
        if (last?.kind === kind && last.table === name) last.rows += rows;
        else changes.push({ kind, table: name, rows });
      },
    },
  });
  const bytes = await readFile(path);
  reader.walk(bytes, 0, bytes.length);
  return { changes, problems: reader.finish().problems };
}
