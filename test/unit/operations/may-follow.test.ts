import { describe, expect, it } from 'vitest';
import { mayFollow } from '../../../src/operations/archive-start.ts';

const SEALED_AT = '2026-11-22T10:00:00Z';
const TEN = Date.parse(SEALED_AT) / 1000;
const UUID = '3e11fa47-71ca-11e1-9e33-c80aa9429562';

type Sealed = Parameters<typeof mayFollow>[0];

function sealed(gtidEnd: string | null, gtid: string | null): Sealed {
  return { gtidEnd, sealedAt: SEALED_AT, last: { gtid, start: 256, end: 400, time: SEALED_AT } };
}

function opened(afterSeconds: number, gtidStart: string | null): Parameters<typeof mayFollow>[1] {
  return { openedAt: TEN + afterSeconds, gtidStart };
}

const MYSQL = { flavor: 'mysql', skewSeconds: 0 } as const;
const MARIADB = { flavor: 'mariadb', skewSeconds: 0 } as const;

describe('a file with the next name, where the archived one is gone from the source', () => {
  it('follows when it had begun before the other was sealed', () => {
    expect(mayFollow(sealed(null, null), opened(-3600, null), MYSQL)).toBe(true);
    expect(mayFollow(sealed('', null), opened(1, ''), MYSQL)).toBe(true);
  });

  it('is of another log when it began later: RESET MASTER, and as many files since', () => {
    expect(mayFollow(sealed(null, null), opened(3600, null), MYSQL)).toBe(false);
    expect(mayFollow(sealed('', null), opened(3600, ''), MYSQL)).toBe(false);
    expect(mayFollow(sealed(`${UUID}:1-9`, null), opened(3600, `${UUID}:1-9`), MYSQL)).toBe(false);
    expect(mayFollow(sealed('', null), opened(3600, ''), MARIADB)).toBe(false);
  });

  it('is left to its GTIDs where both have them', () => {
    expect(mayFollow(sealed(`${UUID}:1-9`, `${UUID}:9`), opened(3600, `${UUID}:1-9`), MYSQL)).toBe(true);
    expect(mayFollow(sealed('0-101-3', null), opened(3600, '0-101-3'), MARIADB)).toBe(true);
  });

  it('is not left to them where MySQL has more of them now: another log of the server has that too', () => {
    expect(mayFollow(sealed(`${UUID}:1-9`, `${UUID}:9`), opened(3600, `${UUID}:1-20`), MYSQL)).toBe(false);
    expect(mayFollow(sealed(`${UUID}:1-9`, `${UUID}:9`), opened(-1, `${UUID}:1-20`), MYSQL)).toBe(true);
  });

  it('is judged by the clock of the source', () => {
    expect(mayFollow(sealed(null, null), opened(3600, null), { ...MYSQL, skewSeconds: 3600 })).toBe(true);
    expect(mayFollow(sealed(null, null), opened(-1800, null), { ...MYSQL, skewSeconds: -3600 })).toBe(false);
  });
});
