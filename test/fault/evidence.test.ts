import { describe, it } from 'vitest';
import { expectRowsComeBack } from '../support/evidence-scene.ts';
import { startMysql56, startPrimary } from '../support/servers.ts';

describe.each([
  ['MariaDB', async () => await startPrimary()],
  ['MySQL 5.6', async () => await startMysql56()],
])('the rows of %s', (_name, start) => {
  it('are put back by the SQL made from the log: checksums are those from before', { timeout: 600_000 }, async () => {
    await using server = await start();
    await expectRowsComeBack(server, 25_000);
  });
});
