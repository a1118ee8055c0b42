import { describe, expect, it } from 'vitest';
import { readMachineZone, sourceZone } from '../../../src/recovery/source-zone.ts';

const UTC = [{ abbreviation: 'UTC', offset: 0 }];
const BERLIN = [
  { abbreviation: 'CET', offset: 3600 },
  { abbreviation: 'CEST', offset: 7200 },
];
const of = (name: string, offset?: number, zone = 'SYSTEM') => ({
  time_zone: zone,
  system_time_zone: name,
  ...(offset === undefined ? {} : { system_utc_offset: String(offset) }),
});

describe("the source's SYSTEM time zone", () => {
  it.each([
    ['UTC', of('UTC', 0), UTC],
    ['CET', of('CET', 3600), BERLIN],
    ['CEST, from a server started in summer and backed up in winter', of('CEST', 3600), BERLIN],
    ['CET, of a backup that does not tell the offset', of('CET'), BERLIN],
    ['not told of at all', {}, UTC],
  ])("needs nothing when it is this machine's: %s", (_, settings, machine) => {
    expect(sourceZone(settings, machine)).toEqual({ tz: null, fixed: null, warning: null });
  });

  it('is UTC, whatever this machine has', () => {
    expect(sourceZone(of('UTC', 0), BERLIN)).toEqual({ tz: 'UTC', fixed: '+00:00', warning: null });
  });

  it.each([
    ['JST', 32_400, '<JST>-09:00', '+09:00'],
    ['IST', 19_800, '<IST>-05:30', '+05:30'],
    ['NST', -12_600, '<NST>+03:30', '-03:30'],
    ['-03', -10_800, '<-03>+03:00', '-03:00'],
    ['é!', 32_400, '<+09>-09:00', '+09:00'],
  ])('is %s: a fixed offset, and a warning', (name, offset, tz, fixed) => {
    const zone = sourceZone(of(name, offset), UTC);

    expect(zone).toMatchObject({ tz, fixed });
    expect(zone.warning).toContain(`the source's time zone is ${name}, restored with the fixed offset ${fixed}`);
  });

  it('needs no warning where the source named a zone of its own', () => {
    expect(sourceZone(of('JST', 32_400, 'Europe/Berlin'), UTC)).toMatchObject({ tz: '<JST>-09:00', warning: null });
  });

  it('cannot be had from a backup that does not tell the offset', () => {
    expect(sourceZone(of('JST'), UTC)).toMatchObject({ tz: null, warning: expect.stringContaining('JST') as string });
  });

  it("is compared with the zone of this machine's C library", async () => {
    const [january, july] = await readMachineZone(new Date('2026-11-22T10:00:00Z'));

    const offsetIn = (month: number): number => (0 - new Date(Date.UTC(2026, month, 15)).getTimezoneOffset()) * 60;
    expect([january?.offset, july?.offset]).toEqual([offsetIn(0), offsetIn(6)]);
    expect(january?.abbreviation).not.toBe('');
  });
});
