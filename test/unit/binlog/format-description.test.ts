import { describe, expect, it } from 'vitest';
import { flavorOf, parseFormatDescription } from '../../../src/binlog/format-description.ts';
import { encodeEvent, formatDescription } from '../../support/binlog-builder.ts';

const encode = (version: string, checksum: 'crc32' | 'none' = 'crc32', flags = 0): Buffer =>
  encodeEvent({ ...formatDescription(version, checksum), flags }, { time: 1_000, checksum, position: 4 });

describe('parseFormatDescription', () => {
  it('says how the events of the file are written', () => {
    const event = encode('10.11.19-MariaDB-log');
    event.writeUInt32LE(900, 19 + 52);
    expect(parseFormatDescription(event)).toEqual({
      serverVersion: '10.11.19-MariaDB-log',
      flavor: 'mariadb',
      time: 1_000,
      createdAt: 900,
      checksum: 'crc32',
      checksumAware: true,
      serverId: 101,
      length: event.length,
      relayLog: false,
    });
  });

  it.each([
    ['5.1.73-log', 'none', false],
    ['5.5.62', 'none', false],
    ['5.6.24', 'none', true],
    ['5.6.24', 'crc32', true],
    ['9.6.0', 'crc32', true],
    ['26.7.0', 'crc32', true],
    ['10.0.11-MariaDB', 'none', true],
  ] as const)('of %s with checksum %s', (version, checksum, checksumAware) => {
    expect(parseFormatDescription(encode(version, checksum))).toMatchObject({ checksum, checksumAware });
  });

  it('tells a relay log by its flag', () => {
    expect(parseFormatDescription(encode('10.11.19-MariaDB', 'crc32', 0x40))?.relayLog).toBe(true);
  });

  it('gives null for another binary log version, another header length and fewer bytes', () => {
    const version = encode('8.0.36');
    version.writeUInt16LE(3, 19);
    const header = encode('8.0.36');
    header.writeUInt8(27, 19 + 56);
    expect([version, header, encode('8.0.36').subarray(0, 75)].map(parseFormatDescription)).toEqual([null, null, null]);
  });
});

describe('flavorOf', () => {
  it('goes by the word, not by the number', () => {
    expect(
      ['10.11.19-MariaDB-0+deb12u1-log', '5.5.5-11.4.2-mariadb', '26.7.0', '10.1.2-cluster'].map(flavorOf),
    ).toEqual(['mariadb', 'mariadb', 'mysql', 'mysql']);
  });
});
