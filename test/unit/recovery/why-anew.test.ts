import { describe, expect, it } from 'vitest';
import { whyAnew, whyUncertain } from '../../../src/recovery/why-anew.ts';
import type { ServerConnection } from '../../../src/server/connection.ts';

const run = { bootId: 'a' };

describe('what an interrupted restore has done', () => {
  it('is used only when it was replaying or later, on a machine that ran through', () => {
    expect(whyAnew({ note: { phase: 'replaying' }, run, bootId: 'a' })).toBeNull();
    expect(whyAnew({ note: { phase: 'proving' }, run, bootId: 'a' })).toBeNull();
    expect(whyAnew({ note: { phase: 'loading' }, run, bootId: 'a' })).toContain('not loaded to the end');
    expect(whyAnew({ note: { phase: 'replaying' }, run, bootId: 'b' })).toContain('started anew');
    expect(whyAnew({ note: { phase: 'replaying' }, run: { ...run, bootId: null }, bootId: null })).toContain(
      'started anew',
    );
  });

  const place = {
    ...{ groups: 3, gtidState: '0-1-3', next: { range: 0, position: 4 } },
    ...{ halves: null, apart: null, temporaryTables: false },
  };
  const way = { engine: 'applier', phase: 'replaying' } as const;
  const session = { engine: 'session', phase: 'replaying' } as const;
  const server = (...engines: string[]): ServerConnection =>
    ({
      query: () => Promise.resolve(engines.map((engine) => ({ name: `shop.${engine.toLowerCase()}`, engine }))),
    }) as unknown as ServerConnection;

  it('is certain after a clean end, but for what is in memory', async () => {
    const ended = { way, place: { ...place, halves: '0-1-4' }, end: 'clean' } as const;
    expect(await whyUncertain(server(), ended)).toBeNull();
    expect(await whyUncertain(server('Aria', 'MyISAM'), { ...ended, place })).toBeNull();
    expect(await whyUncertain(server('Aria', 'MEMORY'), ended)).toBe(
      'table shop.memory is in memory only, and empty now',
    );
    expect(await whyUncertain(server(), { ...ended, place: null })).toBe('it stands at no place of the plan');
    expect(await whyUncertain(server(), { ...ended, place: { ...place, temporaryTables: true } })).toContain(
      'temporary',
    );
  });

  it.each(['none', 'clean'] as const)(
    'is not certain where an applier (server: %s) may have done a part of rows that cannot be taken back',
    async (end) => {
      const halved = { way, place: { ...place, halves: '0-1-4' }, end };
      expect(await whyUncertain(server('MyISAM'), halved)).toBe(
        'its applier may have done a part of 0-1-4, and table shop.myisam (MyISAM) knows no transactions',
      );
      expect(await whyUncertain(server(), halved)).toBeNull();
      expect(await whyUncertain(server('MyISAM'), { way, place, end })).toBeNull();
    },
  );

  it('is not certain where several appliers may have run ahead with rows that cannot be taken back', async () => {
    const several = { way, place, end: 'none', appliesAtOnce: true } as const;
    expect(await whyUncertain(server('Aria'), several)).toBe(
      'several appliers may have done parts of what comes next, and table shop.aria (Aria) knows no transactions',
    );
    expect(await whyUncertain(server(), several)).toBeNull();
    expect(await whyUncertain(server('Aria'), { ...several, appliesAtOnce: false })).toBeNull();
  });

  it('is certain after a kill only where everything knows transactions', async () => {
    expect(await whyUncertain(server(), { way, place, end: 'killed' })).toBeNull();
    expect(await whyUncertain(server('Aria'), { way, place, end: 'killed' })).toContain(
      'table shop.aria (Aria) knows no',
    );
    expect(await whyUncertain(server(), { way, place: { ...place, halves: '0-1-4' }, end: 'killed' })).toBe(
      'its server was killed, and may have done a part of 0-1-4',
    );
  });

  it.each(['none', 'clean', 'killed'] as const)(
    'of a session (server: %s) is certain before a transaction, where every table knows them',
    async (end) => {
      const found = { way: session, place, end };
      expect(await whyUncertain(server(), found)).toBeNull();
      expect(await whyUncertain(server(), { ...found, place: { ...place, halves: '0-1-4' } })).toBeNull();
      expect(await whyUncertain(server(), { ...found, place: { ...place, apart: '0-1-4' } })).toBe(
        'its session may have done 0-1-4, or a part of it, and that is no transaction',
      );
      expect(await whyUncertain(server('Aria'), found)).toBe(
        'a session may have done a part of what comes next, and table shop.aria (Aria) knows no transactions',
      );
      expect(await whyUncertain(server(), { ...found, place: null })).toBe(
        'its session has not told a place of the plan that is certain',
      );
      expect(await whyUncertain(server(), { ...found, place: { ...place, temporaryTables: true } })).toContain(
        'gone with the session',
      );
    },
  );

  it('of a session that was at its end is certain as that of an applier is', async () => {
    const proving = { way: { engine: 'session', phase: 'proving' }, place } as const;
    expect(await whyUncertain(server('Aria'), { ...proving, end: 'clean' })).toBeNull();
    expect(await whyUncertain(server('Aria'), { ...proving, end: 'killed' })).toContain('knows no transactions');
  });
});
