import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BACKUP_FILES } from '../../src/backup/backup-files.ts';
import type { Flavor } from '../../src/binlog/gtid.ts';
import { findProgram, runTool } from '../../src/platform/child-process.ts';
import { CLIENT_ARGS } from '../../src/server/client-args.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { dumpContent } from '../../src/operations/salvage/dump-content.ts';
import { loadSql } from '../../src/operations/salvage/load-sql.ts';
import { loadBackup } from '../../src/recovery/load.ts';
import { setBackupScene, type BackupScene } from '../support/backup-scene.ts';
import { contentDifferences, serverContent, type ServerContent } from '../support/server-content.ts';
import { startMysql56, startPrimary, type TestServer } from '../support/servers.ts';

const CHARSETS = ['big5', 'gbk', 'sjis', 'cp932', 'latin1'];
/** Second bytes of letters. */
const SLASH = 0x5c;
const TICK = 0x60;

async function letterOf(connection: ServerConnection, charset: string, second: number): Promise<string> {
  const leads = [0x95, 0x8c, 0xa5, 0xb3, 0xd5, 0xc8, 0x83, 0x96];
  for (const lead of leads) {
    const hex = Buffer.from([lead, second]).toString('hex');
    const [row] = await connection
      .query<{ text: string; back: string }>(
        `SELECT CONVERT(_${charset} X'${hex}' USING utf8mb4) AS text, HEX(CONVERT(CONVERT(_${charset} X'${hex}' USING utf8mb4) USING ${charset})) AS back`,
      )
      .catch(() => []);
    if (row !== undefined && row.back === hex.toUpperCase() && !row.text.includes('?')) return row.text;
  }
  throw new Error(`${charset} has no such letter`);
}

/**
 * Where MySQL 5.6 writes a statement itself, names and comments in it are in UTF-8, and the rest is not: no replica can run that. And it
 * stores views so that it cannot read them any more where a text in them ends in half a backslash.
 */
function statements(charset: string, { a, b, flavor }: { a: string; b: string; flavor: Flavor }): string[] {
  const plain = flavor === 'mysql' ? 'x' : a;
  const text = flavor === 'mysql' ? b : a;
  const by = `DEFINER = 'u${charset === 'latin1' ? plain : ''}'@'%'`;
  return [
    `CREATE DATABASE \`s_${charset}_${a}\` CHARACTER SET ${charset}`,
    `USE \`s_${charset}_${a}\``,
    `CREATE TABLE \`t${a}\` (\`${b}\` VARCHAR(20) DEFAULT '${a}' COMMENT '${b}${a}', e ENUM('${a}', '${b}') DEFAULT '${a}', s SET('${a}', '${b}')) COMMENT '${a}'`,
    `INSERT INTO \`t${a}\` VALUES ('${a}', '${b}', '${a},${b}')`,
    `CREATE VIEW \`v${plain}\` AS SELECT \`${b}\` AS \`${a}\`, '${text}' AS x, '${b}' AS y FROM \`t${a}\` WHERE \`${b}\` <> '${text}' AND \`${b}\` <> '${b}'`,
    `CREATE ${by} TRIGGER \`r${a}\` BEFORE INSERT ON \`t${a}\` FOR EACH ROW SET NEW.\`${b}\` = '${a}'`,
    `CREATE ${by} PROCEDURE \`p${plain}\`(n VARCHAR(9)) COMMENT '${plain}' SELECT '${a}', n /* ' ${a} */ FROM \`t${a}\``,
    `CREATE FUNCTION \`f${plain}\`() RETURNS VARCHAR(9) DETERMINISTIC RETURN '${a}'`,
    `CREATE ${by} EVENT \`e${plain}\` ON SCHEDULE EVERY 1 DAY DISABLE COMMENT '${plain}' DO DELETE FROM \`t${a}\` WHERE \`${b}\` = '${a}'`,
    `CREATE TABLE \`gone${plain}\` (\`${b}\` INT)`,
    `CREATE VIEW \`broken${plain}\` AS SELECT \`${b}\` AS \`${a}\`, '${text}' AS x, '${b}' AS y FROM \`gone${plain}\``,
    `DROP TABLE \`gone${plain}\``,
  ];
}

/** In the client's own character set, whatever letters there are. */
async function create(server: TestServer, flavor: Flavor): Promise<void> {
  await using connection = await server.connect();
  for (const charset of CHARSETS) {
    const [a, b] =
      charset === 'latin1'
        ? ['é', 'Ñ']
        : [await letterOf(connection, charset, SLASH), await letterOf(connection, charset, TICK)];
    const sql = `${statements(charset, { a, b, flavor }).join(';;\n')};;\n`;
    const [row] = await connection.query<{ hex: string }>(`SELECT HEX(CONVERT(? USING ${charset})) AS hex`, [sql]);
    const bytes = Buffer.concat([Buffer.from('DELIMITER ;;\n'), Buffer.from(row?.hex ?? '', 'hex')]);
    await runTool({
      program: findProgram(['mariadb']),
      args: [
        '--no-defaults',
        '-uroot',
        `--socket=${server.socket}`,
        ...CLIENT_ARGS,
        `--default-character-set=${charset}`,
      ],
      input: (async function* () {
        yield await Promise.resolve(bytes);
      })(),
    });
  }
}

async function storedBytes(connection: ServerConnection): Promise<ServerContent> {
  const rows = await connection.query<{ name: string; bytes: string }>(
    `SELECT CONCAT('proc ', db, ' ', name) AS name, CONCAT_WS(' ', HEX(param_list), HEX(body), HEX(body_utf8), HEX(comment), character_set_client, collation_connection, db_collation) AS bytes FROM mysql.proc WHERE db LIKE 's!_%' ESCAPE '!'
     UNION ALL SELECT CONCAT('event ', db, ' ', name), CONCAT_WS(' ', HEX(body), HEX(body_utf8), HEX(comment), character_set_client, collation_connection, db_collation) FROM mysql.event
     UNION ALL SELECT CONCAT('trigger ', TRIGGER_SCHEMA, ' ', TRIGGER_NAME), CONCAT_WS(' ', HEX(ACTION_STATEMENT), CHARACTER_SET_CLIENT) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA LIKE 's!_%' ESCAPE '!'
     UNION ALL SELECT CONCAT('view ', TABLE_SCHEMA, ' ', TABLE_NAME), CONCAT_WS(' ', HEX(VIEW_DEFINITION), CHARACTER_SET_CLIENT) FROM information_schema.VIEWS WHERE TABLE_SCHEMA LIKE 's!_%' ESCAPE '!'`,
  );
  return Object.fromEntries(rows.map(({ name, bytes }) => [name, bytes]));
}

describe.each(['mariadb', 'mysql'] as const)('texts whose letters hold quotes and backslashes: %s', (flavor) => {
  let scene: BackupScene;

  beforeAll(async () => {
    scene = await setBackupScene({ flavor });
    await create(scene.pair.primary, flavor);
    await scene.pair.caughtUp();
  });

  afterAll(async () => {
    await scene[Symbol.asyncDispose]();
  });

  it('come back as they were', async () => {
    const record = await scene.backup();
    await using loaded =
      flavor === 'mysql'
        ? await startMysql56({
            args: ['--skip-log-bin', '--skip-log-slave-updates', '--gtid-mode=OFF', '--enforce-gtid-consistency=OFF'],
          })
        : await startPrimary({ args: ['--skip-log-bin'] });
    await using replica = await scene.pair.replica.connect();
    const expected = { ...(await serverContent(replica)), ...(await storedBytes(replica)) };
    // Accounts are the same on both.
    const files = record.files.filter(({ name }) => name !== BACKUP_FILES.accounts && name !== BACKUP_FILES.grants);
    await loadBackup({
      ...{
        record: { ...record, files },
        folder: scene.repository.backupFolder(record.id),
        temporary: loaded.directory,
      },
      login: loaded.serverOptions('loaded'),
    });
    await using fromLoaded = await loaded.connect();
    const found = { ...(await serverContent(fromLoaded)), ...(await storedBytes(fromLoaded)) };

    expect(Object.keys(expected).length).toBeGreaterThan(30);
    expect(contentDifferences(expected, found)).toEqual([]);
  });

  /** From MySQL nothing is dumped so: a scratch server is MariaDB. */
  it.skipIf(flavor === 'mysql')('come back from a salvage, views too', async () => {
    const { replica } = scene.pair;
    await using source = await replica.connect();
    await using loaded = await startPrimary({ args: ['--skip-log-bin'] });
    const isSalvaged = ([name]: [string, string | null]): boolean => name.includes(' `s_') && !name.includes('`broken');
    for (const row of await source.query('SHOW DATABASES LIKE ?', ['s\\_%'])) {
      const name = String(Object.values(row)[0]);
      const rows = await source.query<{ view: string }>(
        'SELECT TABLE_NAME AS view FROM information_schema.VIEWS WHERE TABLE_SCHEMA = ?',
        [name],
      );
      const [views, leftOut] = [true, false].map((isWhole) =>
        rows.map(({ view }) => view).filter((view) => view.startsWith('v') === isWhole),
      ) as [string[], string[]];
      const pieces: Buffer[] = [];
      await dumpContent(
        {
          ...{ server: replica.serverOptions('replica'), temporary: replica.directory, schema: name, inexact: [] },
          ...{ scope: { kind: 'schema', views }, leftOut, onProgress: () => undefined },
        },
        async (chunk) => {
          await Promise.resolve(pieces.push(Buffer.from(chunk)));
        },
      );
      const server = loaded.serverOptions('loaded');
      await loadSql({ server, temporary: loaded.directory, schema: null }, Readable.from(pieces));
    }
    await using target = await loaded.connect();
    const [expected, found] = [await serverContent(source), await serverContent(target)].map((content) =>
      Object.fromEntries(Object.entries(content).filter(isSalvaged)),
    ) as [ServerContent, ServerContent];

    expect(Object.keys(expected).filter((name) => name.startsWith('VIEW'))).toHaveLength(CHARSETS.length);
    expect(contentDifferences(expected, found)).toEqual([]);
  });
});
