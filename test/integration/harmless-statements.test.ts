import { describe, expect, it } from 'vitest';
import { scan } from '../../src/operations/scan.ts';
import { HARMLESS } from '../support/harmless-statements.ts';
import { runHarmless } from '../support/harmless-statements/harmless-run.ts';
import { FAST_SERVER } from '../support/incident-forms/scene.ts';
import { startMysql56, startPrimary } from '../support/servers.ts';

/** Of all of them on one server, on a machine that does much else. */
const RUN_TIMEOUT_MS = 300_000;

describe('the table of what destroys nothing', () => {
  it('has 200 statements or more, each of them once', () => {
    const statements = HARMLESS.flatMap((session) =>
      session.statements.map((statement) => (typeof statement === 'string' ? statement : statement.fails)),
    );
    expect(new Set(statements).size).toBeGreaterThanOrEqual(200);
  });
});

describe.each([
  ['MariaDB', startPrimary],
  ['MySQL 5.6', startMysql56],
])('harmless statements on %s', (_title, start) => {
  it(
    'are no incidents in any format',
    async () => {
      await using server = await start({ args: FAST_SERVER });
      const ran = await runHarmless(server, HARMLESS);
      const { files, incidents } = await scan({ paths: [server.datadir], verifyChecksums: true });
      expect(incidents.map(({ file, kind, state, statement }) => `${file} ${kind} ${state}: ${statement}`)).toEqual([]);
      expect(files.flatMap(({ problems }) => problems)).toEqual([]);
      // Most of them are in the log: those that only look, and those of a transaction, are no groups of their own.
      expect(files.reduce((sum, { groups }) => sum + groups, 0)).toBeGreaterThan(ran / 2);
    },
    RUN_TIMEOUT_MS,
  );
});
