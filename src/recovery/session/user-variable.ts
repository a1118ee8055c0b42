import { EVENT_HEADER_BYTES } from '../../binlog/event-type.ts';
import { quoteName } from '../../server/quote-name.ts';
import { decimalText } from './decimal-text.ts';
import type { LoggedEvent } from './logged-events.ts';

/** A collation and the character set it is of. */
export interface Collation {
  readonly name: string;
  readonly charset: string;
}

/** Source: MySQL 8.4 include/mysql/udf_registration_types.h, enum Item_result. */
const TYPE = { STRING: 0, REAL: 1, INTEGER: 2, DECIMAL: 4 } as const;
const UNSIGNED_FLAG = 1;

/**
 * The statement that sets what a USER_VAR event says, type and collation too; null when the event contradicts itself or its collation
 * is not known here. Length of the name 4, the name, 1 when NULL; else type 1, collation 4, length 4, the value, flags 1.
 * Source: MySQL 8.4 libs/mysql/binlog/event/statement_events.h, User_var_event.
 *
 * @param collations of the target, by id
 */
export function userVariableSql(event: LoggedEvent, collations: ReadonlyMap<number, Collation>): string | null {
  const body = event.buffer.subarray(event.at + EVENT_HEADER_BYTES, event.bodyEnd);
  if (body.length < 5) return null;
  const nameEnd = 4 + body.readUInt32LE(0);
  if (nameEnd + 1 > body.length) return null;
  const variable = `@${quoteName(body.toString('utf8', 4, nameEnd))}`;
  if (body[nameEnd] !== 0) return `SET ${variable}:=NULL`;
  const value = valueSql(body.subarray(nameEnd + 1), collations);
  return value === null ? null : `SET ${variable}:=${value}`;
}

function valueSql(typed: Buffer, collations: ReadonlyMap<number, Collation>): string | null {
  if (typed.length < 9 || 9 + typed.readUInt32LE(5) > typed.length) return null;
  const valueEnd = 9 + typed.readUInt32LE(5);
  const value = typed.subarray(9, valueEnd);
  switch (typed.readUInt8()) {
    case TYPE.STRING:
      return stringSql(value, collations.get(typed.readUInt32LE(1)));
    case TYPE.REAL:
      // The shortest text that reads back as the same number; the exponent makes it no DECIMAL.
      return value.length === 8 ? value.readDoubleLE().toExponential() : null;
    case TYPE.INTEGER:
      return integerSql(value, ((typed[valueEnd] ?? 0) & UNSIGNED_FLAG) !== 0);
    case TYPE.DECIMAL:
      return decimalText(value);
    default:
      return null;
  }
}

function stringSql(value: Buffer, collation: Collation | undefined): string | null {
  if (collation === undefined) return null;
  return `_${collation.charset} X'${value.toString('hex')}' COLLATE ${quoteName(collation.name)}`;
}

/** A bare literal is a DECIMAL when it is too large for its sign. */
function integerSql(value: Buffer, unsigned: boolean): string | null {
  if (value.length !== 8) return null;
  return unsigned ? `CAST(${value.readBigUInt64LE()} AS UNSIGNED)` : `CAST(${value.readBigInt64LE()} AS SIGNED)`;
}
