/**
 * The files of a logical backup, in the order in which they load.
 *
 * Loading wants an empty server with the record's settings and an account that no backup holds: the second file
 * replaces accounts of the same name, root's too. Both load with the `mariadb` client, `--binary-mode`, as an
 * account with all privileges WITH GRANT OPTION and `PROXY ON ''@'%' WITH GRANT OPTION`. Accounts that the empty server had and the second file does not name stay: the
 * loader has to drop them.
 */
export const BACKUP_FILES = {
  /** Schemas: tables with rows, views, triggers, routines, events, sequences. */
  schemas: 'dump.sql.zst',
  /** What belongs to no schema: accounts, roles and privileges, foreign servers, time zones. */
  server: 'server.sql.zst',
} as const;
