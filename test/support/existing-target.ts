import { execFileSync } from 'node:child_process';
import { findProgram } from '../../src/platform/child-process.ts';
import type { TestServer } from './servers.ts';

/** All that a restore may touch, but for what it is for. */
export async function stateOf(server: TestServer): Promise<Record<string, unknown>> {
  await using root = await server.connect();
  const variables = await root.query<{ Variable_name: string }>('SHOW GLOBAL VARIABLES');
  return {
    variables: variables.filter(
      ({ Variable_name: name }) => !/^(gtid_|rand_seed|timestamp|error_count|warning_count|innodb_buffer)/.test(name),
    ),
    schemas: await root.query('SHOW DATABASES'),
    accounts: await root.query("SELECT User, Host FROM mysql.user WHERE User LIKE 'lastgood-%'"),
    system: await root.query(
      "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'mysql' ORDER BY 1",
    ),
    primaries: await root.query('SHOW ALL SLAVES STATUS'),
    state: await root.query('SELECT @@gtid_slave_pos, @@gtid_binlog_state'),
  };
}

/** Runs the `mariadb` client from inside a callback that cannot wait. */
export function runNow({ socket }: TestServer, ...args: string[]): string {
  const reach = ['--no-defaults', '-uroot', `--socket=${socket}`, '-N'];
  return execFileSync(findProgram(['mariadb']), [...reach, ...args], { encoding: 'utf8' });
}

/** Of users whose names match, from inside a callback too. */
export function killSessions(server: TestServer, users: string): void {
  const kills = runNow(
    server,
    '-e',
    `SELECT CONCAT('KILL ', ID, ';') FROM information_schema.PROCESSLIST WHERE USER RLIKE '${users}' AND ID <> CONNECTION_ID()`,
  );
  runNow(server, '--force', '-e', kills);
}
