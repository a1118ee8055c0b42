import { readSegmentFormat } from '../../archive/read-segment.ts';
import type { ArchivedSegment } from '../../archive/repository.ts';
import { EVENT } from '../../binlog/event-type.ts';
import type { Logger } from '../../platform/logger.ts';
import { parseTableMap, type MappedTable } from '../evidence/mapped-table.ts';
import { readRows, type DecoderEvent, type RowsBatch } from '../evidence/read-rows.ts';
import { parseRowsHead } from '../evidence/rows-events.ts';
import { servedTableMap } from '../evidence/served-table.ts';
import { readWholeEvents } from '../evidence/whole-events.ts';

export interface TableRowsOptions {
  readonly segment: ArchivedSegment;
  /** `[from, to)`, at event boundaries. */
  readonly from: number;
  readonly to: number;
  readonly table: { readonly schema: string; readonly name: string | null };
  readonly log: Logger;
  readonly signal?: AbortSignal | undefined;
}

/** Rows of one event, and where it stands. */
export interface PlacedBatch extends RowsBatch {
  readonly offset: number;
}

/** Decodes all events with rows of one table, in the order of the log. @throws LastgoodError `ARCHIVE_DAMAGED` */
export async function* readTableRows(options: TableRowsOptions): AsyncGenerator<PlacedBatch> {
  const { segment, log, signal } = options;
  const { bytes: formatEvent } = await readSegmentFormat(segment);
  // What an event carries beside its rows comes back with them.
  for await (const batch of readRows({ formatEvent, events: eventsOf(options), log, signal }))
    yield batch as PlacedBatch;
}

/** The table's rows, and what names it. */
async function* eventsOf({ segment, from, to, table }: TableRowsOptions): AsyncGenerator<DecoderEvent> {
  const mapped = new Map<number, MappedTable>();
  for await (const { type, body, offset } of readWholeEvents({ segment, start: from, end: to })) {
    if (type === EVENT.TABLE_MAP) {
      const map = parseTableMap(body);
      if (map === null) continue;
      mapped.delete(map.id);
      const served = map.schema === table.schema && map.name === table.name ? servedTableMap(map) : null;
      if (served === null) continue;
      mapped.set(map.id, map);
      yield { type, body: served, rows: null };
      continue;
    }
    const head = parseRowsHead(type, body);
    const map = head === null ? undefined : mapped.get(head.tableId);
    if (head === null || map === undefined) continue;
    const rows: Pick<PlacedBatch, 'table' | 'head' | 'offset'> = { table: map, head, offset };
    yield { type, body: Buffer.from(body), rows };
  }
}
