/**
 * A condition that a column of information_schema names a schema; it takes the name twice. Of programs servers compare it without regard
 * to case, also where `Shop` is another schema than `shop`. Source: MariaDB 10.11.19 for triggers and events, MySQL 5.6.24 for routines too.
 *
 * @param column its name
 */
export function isSchema(column: string): string {
  return `${column} = ? AND (@@lower_case_table_names > 0 OR BINARY ${column} = ?)`;
}
