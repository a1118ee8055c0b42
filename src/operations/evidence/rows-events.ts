import { hasBit } from '../../binlog/row-layout.ts';
import { packedNumber } from '../../binlog/table-map.ts';

export type RowsKind = 'insert' | 'update' | 'delete';

/** What the event of so many rows says before its rows. */
export interface RowsHead {
  readonly kind: RowsKind;
  readonly tableId: number;
  /** Which columns the images before and after the change hold; of an insert or a delete only one is used. */
  readonly present: readonly [before: Buffer, after: Buffer];
}

interface RowsForm {
  readonly kind: RowsKind;
  /** True when bytes of any length stand between the flags and the columns. */
  readonly extra: boolean;
}

/** Numbers of events with rows: plain and compressed. Source: MySQL 9 binlog_event.h; MariaDB 10.11 sql/log_event.h. */
const KINDS: ReadonlyMap<number, RowsForm> = new Map([
  ...formsOf([23, 166], { kind: 'insert', extra: false }),
  ...formsOf([24, 167], { kind: 'update', extra: false }),
  ...formsOf([25, 168], { kind: 'delete', extra: false }),
  ...formsOf([30, 169], { kind: 'insert', extra: true }),
  ...formsOf([31, 170], { kind: 'update', extra: true }),
  ...formsOf([32, 171], { kind: 'delete', extra: true }),
]);

function formsOf(types: readonly number[], form: RowsForm): [number, RowsForm][] {
  return types.map((type) => [type, form]);
}

const POST_HEADER_BYTES = 8;

/** Reads the head of an event with rows; null for every other event. */
export function parseRowsHead(type: number, body: Buffer): RowsHead | null {
  const form = KINDS.get(type);
  if (form === undefined) return null;
  const at = POST_HEADER_BYTES + (form.extra ? body.readUInt16LE(POST_HEADER_BYTES) : 0);
  const columns = packedNumber(body, at);
  const width = Math.ceil(columns.value / 8);
  const before = Buffer.from(body.subarray(columns.end, columns.end + width));
  const after = form.kind === 'update' ? body.subarray(columns.end + width, columns.end + 2 * width) : before;
  return { kind: form.kind, tableId: body.readUIntLE(0, 6), present: [before, Buffer.from(after)] };
}

/** True when the image holds every one of so many columns. */
export function hasAllColumns(present: Buffer, columns: number): boolean {
  for (let index = 0; index < columns; index += 1) if (!hasBit(present, index)) return false;
  return true;
}
