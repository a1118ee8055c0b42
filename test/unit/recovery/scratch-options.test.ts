import { describe, expect, it } from 'vitest';
import {
  asArguments,
  asOptionFile,
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

  it('load the plugins that the source has, on this one and once handed over', () => {
    const plugins = 'ed25519=auth_ed25519.so,pam=auth_pam.so';
    const loaded = { plugin_load_add: 'ed25519=auth_ed25519.so;pam=auth_pam.so' };

    expect(restoringOptions({ plugins }, 1)).toMatchObject(loaded);
    expect(handedOverOptions({ plugins }, 1, null)).toMatchObject(loaded);
    expect(Object.keys(restoringOptions({ plugins: '' }, 1)).filter((name) => name.includes('plugin'))).toEqual([]);
  });

  it.each([
    ['restoring', restoringOptions(settings, 1)],
    ['handed over', handedOverOptions(settings, 1, null)],
  ])('keep the event scheduler off while %s', (_, options) => {
    expect(options).toMatchObject({ event_scheduler: 'OFF' });
    expect(Object.keys(options)).not.toContain('loose-event_scheduler');
  });

  it('are durable once handed over', () => {
    const options = handedOverOptions(settings, 1, null);

    expect(options).toMatchObject({ max_allowed_packet: '16777216', default_time_zone: 'Europe/Berlin' });
    expect(Object.keys(options).filter((name) => /doublewrite|flush_log|sync_/.test(name))).toEqual([]);
  });

  it('name the zone that the source calls SYSTEM, where this machine has another', () => {
    const zoneOf = (time_zone: string, systemZone: string | null): string | undefined =>
      handedOverOptions({ time_zone }, 1, systemZone)['default_time_zone'];

    expect(zoneOf('SYSTEM', '+09:00')).toBe('+09:00');
    expect(zoneOf('SYSTEM', null)).toBeUndefined();
    expect(zoneOf('Europe/Berlin', '+09:00')).toBe('Europe/Berlin');
  });

  it('let a load and a replay last for days, with a relay log that does not grow with them', () => {
    expect(restoringOptions(settings, 1)).toMatchObject({
      ...{ wait_timeout: '31536000', interactive_timeout: '31536000' },
      ...{ net_read_timeout: '3600', net_write_timeout: '3600' },
      ...{ relay_log_space_limit: String(GIB), max_relay_log_size: String(GIB / 16) },
    });
  });

  it('become arguments and an option file', () => {
    const options = { sql_mode: '', tmpdir: '/a b\\c' };

    expect(asArguments(options)).toEqual(['--sql_mode=', '--tmpdir=/a b\\c']);
    expect(asOptionFile(options)).toBe('[mysqld]\nsql_mode = ""\ntmpdir = "/a b\\\\c"\n');
  });
});
