import { describe, expect, it } from 'vitest';
import {
  asArguments,
  asOptionFile,
  bufferPoolBytes,
  handedOverOptions,
  restoringOptions,
} from '../../../src/recovery/scratch-options.ts';

const settings = {
  sql_mode: 'STRICT_TRANS_TABLES',
  event_scheduler: 'ON',
  time_zone: 'Europe/Berlin',
  system_time_zone: 'CET',
  max_allowed_packet: '16777216',
};
const GIB = 2 ** 30;

describe("a scratch server's options", () => {
  it('take over what decides how statements are understood, as far as the server knows it', () => {
    expect(restoringOptions(settings, 3_000_000_000)).toMatchObject({
      'loose-sql_mode': 'STRICT_TRANS_TABLES',
      server_id: '3000000000',
    });
  });

  it.each([
    ['restoring', restoringOptions(settings, 1)],
    ['handed over', handedOverOptions(settings, 1)],
  ])('keep the event scheduler off while %s', (_, options) => {
    expect(options).toMatchObject({ event_scheduler: 'OFF' });
    expect(Object.keys(options)).not.toContain('loose-event_scheduler');
  });

  it('are durable once handed over', () => {
    const options = handedOverOptions(settings, 1);

    expect(options).toMatchObject({ max_allowed_packet: '16777216', default_time_zone: 'Europe/Berlin' });
    expect(Object.keys(options).filter((name) => /doublewrite|flush_log|sync_/.test(name))).toEqual([]);
  });

  it('become arguments and an option file', () => {
    const options = { sql_mode: '', tmpdir: '/a b\\c' };

    expect(asArguments(options)).toEqual(['--sql_mode=', '--tmpdir=/a b\\c']);
    expect(asOptionFile(options)).toBe('[mysqld]\nsql_mode = ""\ntmpdir = "/a b\\\\c"\n');
  });

  it('give InnoDB a quarter of the memory, within reason', () => {
    expect([GIB / 4, 4 * GIB, 64 * GIB].map(bufferPoolBytes)).toEqual([GIB / 8, GIB, 2 * GIB]);
  });
});
