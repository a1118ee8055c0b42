import { describe, expect, it } from 'vitest';
import { grantStatement, missingPrivileges, readPrivileges } from '../../../src/server/grants.ts';
import type { ServerConnection } from '../../../src/server/connection.ts';

/** A connection that knows two answers. */
function withGrants(...grants: string[]): ServerConnection {
  const query = (sql: string): Promise<unknown[]> =>
    Promise.resolve(sql === 'SHOW GRANTS' ? grants.map((text) => ({ 'Grants for x': text })) : [{ account: 'b@%' }]);
  return { query } as unknown as ServerConnection;
}

describe('readPrivileges', () => {
  it('knows what is granted on everything, under its usual name', async () => {
    const found = await readPrivileges(
      withGrants(
        "GRANT SELECT, REPLICATION REPLICA, SLAVE MONITOR ON *.* TO `b`@`%` IDENTIFIED BY PASSWORD '*x'",
        'GRANT EVENT ON `shop`.* TO `b`@`%`',
      ),
    );
    expect(found.account).toBe('b@%');
    expect([...found.privileges]).toEqual(['SELECT', 'REPLICATION SLAVE', 'SLAVE MONITOR']);
  });
});

describe('missingPrivileges', () => {
  const missing = async (grant: string): Promise<string[]> =>
    missingPrivileges(await readPrivileges(withGrants(grant)), { role: 'archiver', flavor: 'mariadb' });

  it('names each one that is missing', async () => {
    expect(await missing('GRANT USAGE ON *.* TO `b`@`%`')).toEqual(['REPLICATION SLAVE', 'BINLOG MONITOR']);
    expect(await missing('GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO `b`@`%`')).toEqual([]);
  });

  it('is content with all privileges, and with SUPER for what SUPER includes', async () => {
    expect(await missing('GRANT ALL PRIVILEGES ON *.* TO `b`@`%` WITH GRANT OPTION')).toEqual([]);
    expect(await missing('GRANT SUPER ON *.* TO `b`@`%`')).toEqual(['REPLICATION SLAVE']);
  });
});

describe('grantStatement', () => {
  it('is ready to be run', () => {
    expect(grantStatement("o'hara@10.0.0.%", ['SELECT', 'EVENT'])).toBe(
      "GRANT SELECT, EVENT ON *.* TO 'o\\'hara'@'10.0.0.%';",
    );
  });
});
