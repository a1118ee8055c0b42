import { LastgoodError } from '../platform/errors.ts';

/** How a new server of MySQL is made differs from version to version. @param what is of MySQL, for the message */
export function noNewMysql(what: string): LastgoodError {
  return new LastgoodError(
    'PREFLIGHT_FAILED',
    `${what} is of MySQL, and this version makes new servers of MariaDB only`,
    {
      hint: 'Start an empty server of the same MySQL version, and restore into it: `lastgood restore --server FILE`.',
    },
  );
}
