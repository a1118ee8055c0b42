import { classify, type Destruction } from '../../../src/incident/classify.ts';
import type { Source } from '../../../src/incident/dialect.ts';
import type { QueryEvent } from '../../../src/binlog/group.ts';

export const MARIADB: Source = { flavor: 'mariadb', version: 101_119 };
export const MYSQL_56: Source = { flavor: 'mysql', version: 50_624 };
export const MYSQL_84: Source = { flavor: 'mysql', version: 80_400 };

export const ANSI_QUOTES = 0x4;
export const NO_BACKSLASH_ESCAPES = 0x100000;

/** Collation id of character_set_client. */
const UTF8 = 33;

/** A statement in the default schema `shop`, as a log's reader hands it over. */
export function aQuery(text: string | Buffer, overrides: Partial<QueryEvent> = {}): QueryEvent {
  return {
    offset: 256,
    time: 1_795_341_600,
    threadId: 37,
    errorCode: 0,
    sqlMode: 0,
    clientCharset: UTF8,
    schema: 'shop',
    text: typeof text === 'string' ? Buffer.from(text) : text,
    threadSpecific: false,
    truncated: false,
    ...overrides,
  };
}

/** What is destroyed, short: `drop-table shop.a shop.b`, `drop-column shop.a:x`; 'harmless'; '?' marks a suspicious one. */
export function summary(destruction: Destruction | null): string {
  if (destruction === null) return 'harmless';
  const objects = destruction.objects.map(({ schema, name, parts = [] }) => {
    return (name === null ? schema : `${schema}.${name}`) + parts.map((part) => `:${part}`).join('');
  });
  return [destruction.form.kind, ...objects, ...(destruction.suspicious ? ['?'] : [])].join(' ');
}

export function summaryOf(
  text: string | Buffer,
  source: Source = MARIADB,
  overrides: Partial<QueryEvent> = {},
): string {
  return summary(classify(aQuery(text, overrides), source));
}
