import { LastgoodError } from '../../platform/errors.ts';
import type { ColumnFormat } from './column-format.ts';
import { mysqlJsonText } from './mysql-json.ts';
import { quote } from './text-format.ts';

/** MySQL's JSON type. MariaDB's is text. */
export const jsonFormat: ColumnFormat = {
  text: (value) => mysqlJsonText(value as Buffer),
  sql: (value) => {
    const text = mysqlJsonText(value as Buffer, (what) => {
      throw new LastgoodError(
        'ROWS_UNAVAILABLE',
        `a JSON value holds ${what}, which no JSON text gives back as it was`,
      );
    });
    return quote(text);
  },
};
