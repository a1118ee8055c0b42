import { describe, expect, it } from 'vitest';
import { replicaStatements } from '../../../src/operations/replica-statements.ts';

const ADDRESS = { host: '127.0.0.1', port: 3310, user: "o'hara", password: 'secret', tls: false };
const from = { file: 'binlog.000001', position: 4 };

describe('the statements for replicas', () => {
  it('are those of MariaDB, by GTID and by place', () => {
    const statements = replicaStatements(ADDRESS, { flavor: 'mariadb', gtids: true, from });

    expect(statements.map(({ sql }) => sql)).toEqual([
      "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 3310, MASTER_USER = 'o''hara', MASTER_PASSWORD = 'secret', MASTER_SSL = 0, MASTER_USE_GTID = slave_pos;",
      "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 3310, MASTER_USER = 'o''hara', MASTER_PASSWORD = 'secret', MASTER_SSL = 0, MASTER_LOG_FILE = 'binlog.000001', MASTER_LOG_POS = 4, MASTER_USE_GTID = no;",
    ]);
  });

  it('are those of MySQL in its new and its old words, without GTIDs by place only', () => {
    const words = (gtids: boolean): string[] =>
      replicaStatements({ ...ADDRESS, tls: true }, { flavor: 'mysql', gtids, from }).map(({ sql }) => sql);

    expect(words(true)).toHaveLength(4);
    expect(words(false)).toEqual([
      expect.stringMatching(
        /^CHANGE REPLICATION SOURCE TO SOURCE_HOST .* SOURCE_SSL = 1, .*SOURCE_AUTO_POSITION = 0;$/,
      ),
      expect.stringMatching(/^CHANGE MASTER TO MASTER_HOST .* MASTER_SSL = 1, .*MASTER_AUTO_POSITION = 0;$/),
    ]);
  });

  it('never hold a password that is not to be shown', () => {
    const [statement] = replicaStatements(
      { ...ADDRESS, password: null, host: '0.0.0.0' },
      { flavor: 'mariadb', gtids: false, from },
    );

    expect(statement?.sql).toContain("MASTER_PASSWORD = 'the password of --password-file'");
    expect(statement?.sql).toContain("MASTER_HOST = 'this machine'");
  });
});
