import type { ServedIdentity } from '../../src/server/served-range.ts';

/** A MariaDB source as an archive server shows it, with its log from the first group on. */
export const MARIADB_SOURCE: ServedIdentity = {
  flavor: 'mariadb',
  serverVersion: '10.11.19-MariaDB-log',
  serverId: 101,
  gtidState: '',
};
