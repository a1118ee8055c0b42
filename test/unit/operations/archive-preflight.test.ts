import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { warnOfTexts } from '../../../src/operations/archive-preflight.ts';
import type { ServerConnection } from '../../../src/server/connection.ts';

/** What is logged for a server whose SHOW VARIABLES gives that. */
async function logged(rows: readonly object[]): Promise<unknown[]> {
  const lines: unknown[] = [];
  const log = pino({ base: null }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const connection = { query: () => Promise.resolve(rows) } as unknown as ServerConnection;
  await warnOfTexts(connection, log);
  return lines;
}

describe('a source that logs changes of rows as text', () => {
  it.each(['MIXED', 'STATEMENT'])('is told of: %s', async (binlogFormat) => {
    const hint = expect.stringContaining('SET GLOBAL binlog_format = ROW') as unknown;
    const told = await logged([{ Variable_name: 'binlog_format', Value: binlogFormat }]);
    expect(told).toMatchObject([{ level: 40, binlogFormat, hint }]);
  });

  it('is not one whose format is ROW, or that has no other', async () => {
    expect(await logged([{ Variable_name: 'binlog_format', Value: 'ROW' }])).toEqual([]);
    expect(await logged([])).toEqual([]);
  });
});
