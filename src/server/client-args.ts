/**
 * How the `mariadb` or `mysql` client is run on SQL that may hold anything, and whose text, with passwords and rows, must not get into
 * messages. Source: MariaDB manual, "mariadb Command-line Client": it prints a statement that fails; older clients pass over `loose`.
 */
export const CLIENT_ARGS: readonly string[] = [
  '--binary-mode',
  '--max-allowed-packet=1G',
  '--loose-skip-print-query-on-error',
];
