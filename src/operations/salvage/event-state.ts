import type { Dialect } from '../../incident/dialect.ts';
import { isWord, TokenReader } from '../../incident/token-reader.ts';
import { Tokenizer } from '../../incident/tokenizer.ts';

/**
 * An event's definition as SHOW CREATE EVENT prints it, with another state: `ON COMPLETION [NOT] PRESERVE` and then one
 * of ENABLE, DISABLE, DISABLE ON SLAVE. Source: MariaDB 10.11 sql/sql_show.cc and events.cc, send_show_create_event.
 *
 * @returns null when the text is not of that form
 */
export function withEventState(sql: string, state: 'ENABLE' | 'DISABLE', dialect: Dialect): string | null {
  const reader = new TokenReader(new Tokenizer(sql, dialect));
  if (!reader.skipTo(['COMPLETION'])) return null;
  reader.take();
  reader.takeWord('NOT');
  if (!reader.takeWord('PRESERVE')) return null;
  const first = reader.take();
  if (!isWord(first, 'ENABLE') && !isWord(first, 'DISABLE')) return null;
  let { end } = first;
  if (isWord(first, 'DISABLE') && reader.takeWord('ON')) ({ end } = reader.take());
  return sql.slice(0, first.start) + state + sql.slice(end);
}
