/** Statements as the `mariadb` or `mysql` client reads them. */
export function sqlLines(statements: readonly string[]): string {
  return statements.map((statement) => `${statement};\n`).join('');
}
