import type { BackupRecord } from '../archive/backup-record.ts';

/** A file of a backup, as its record lists it. */
export type BackupFile = BackupRecord['files'][number];

/**
 * The files of a logical backup, in the order in which they load: a view may need its definer's account, a privilege
 * the object it is for, and rows must not meet triggers.
 *
 * Loading wants an empty server with the record's settings and an account that no backup holds: the last file
 * replaces accounts of the same name, root's too. All load with the `mariadb` client, `--binary-mode`, as an
 * account with all privileges WITH GRANT OPTION and `PROXY ON ''@'%' WITH GRANT OPTION`. Accounts that the empty
 * server had and the files do not name stay: the loader has to drop them.
 */
export const BACKUP_FILES = {
  /** Foreign servers and time zones; accounts and roles, which may do everything until the last file is loaded. */
  accounts: 'accounts.sql.zst',
  /** Schemas: tables with rows, views, triggers, routines, events, sequences. */
  schemas: 'dump.sql.zst',
  /** Rows of the tables that `schemas` holds without: only where there are such tables. */
  rows: 'rows.sql.zst',
  /** All triggers, where there is a file of rows. */
  triggers: 'triggers.sql.zst',
  /** Takes every privilege from roles and makes accounts anew, then gives them their own. */
  grants: 'grants.sql.zst',
} as const;
