import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PrimarySettings } from '../../src/operations/settings.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { readBinlogEnd } from '../../src/server/binary-logs.ts';
import { connect, type ServerConnection } from '../../src/server/connection.ts';
import { ARCHIVER_SERVER_ID, repositoryBeside, segmentsOf, startArchiver } from '../support/archiver.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';
import { startSilentProxy, type SilentProxy } from '../support/silent-proxy.ts';

const HEARTBEAT_MS = 250;

describe('a line that goes dead without closing', () => {
  let server: TestServer;
  let root: ServerConnection;
  let proxy: SilentProxy;
  let primary: PrimarySettings;

  beforeAll(async () => {
    server = await startPrimary();
    root = await server.connect();
    await root.query("CREATE USER lastgood@'127.0.0.1' IDENTIFIED BY 'secret'");
    await root.query("GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO lastgood@'127.0.0.1'");
    proxy = await startSilentProxy(server.port);
    const account = server.tcpOptions({ name: 'primary', user: 'lastgood', password: 'secret' });
    primary = { ...account, port: proxy.port, name: 'shop', serverId: ARCHIVER_SERVER_ID };
  });
  afterAll(async () => {
    await root.close();
    await proxy[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  async function untilArchived(): Promise<void> {
    const { coordinates } = await readBinlogEnd(root);
    const isThere = async (): Promise<boolean> => {
      const newest = (await segmentsOf(repositoryBeside(server)).catch(() => [])).at(-1);
      return newest?.file === coordinates.file && newest.bytes >= coordinates.position;
    };
    await waitFor(isThere, { timeoutMs: 30_000, what: 'all that was written' });
  }

  it('is noticed by its missing heartbeats and made anew (peers 31: WAL-G #2134, peers 46: silent stall)', async () => {
    await using archiver = startArchiver(server, repositoryBeside(server), { primary, heartbeatMs: HEARTBEAT_MS });
    await root.query('CREATE DATABASE before_silence');
    await untilArchived();
    proxy.fallSilent();
    await root.query('CREATE DATABASE in_silence');
    await untilArchived();
    const { reconnects } = await archiver.stop();
    expect(reconnects).toBe(1);
  });

  it('ends a question that nobody answers', async () => {
    await using connection = await connect(primary, { answerWithinMs: HEARTBEAT_MS });
    proxy.fallSilent();
    await expect(connection.query('SELECT 1')).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
  });

  it('does not keep a connection open that is to be closed, nor its question', async () => {
    const connection = await connect(primary);
    proxy.fallSilent();
    const question = expect(connection.query('SELECT 1')).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
    await connection.close();
    await question;
  });
});
