import { describe, expect, it } from 'vitest';
import type { Marker } from '../../../src/recovery/restore-marker.ts';
import { whyNotOn } from '../../../src/recovery/why-not-on.ts';

const SERVER_ID = 3_141_592_653;

function marker(note: object | null): Marker {
  const run = { engine: 'applier', serverId: SERVER_ID };
  return {
    note: note === null ? null : { phase: 'replaying', plan: {}, run, ...note },
    borrowed: [],
    account: null,
  } as unknown as Marker;
}

function why(
  note: object | null,
  facts: { flavor?: 'mariadb' | 'mysql'; serverId?: number; gtidMode?: string } = {},
): string | null {
  const { flavor = 'mariadb', serverId = SERVER_ID, gtidMode = '' } = facts;
  const variables = new Map(Object.entries({ server_id: String(serverId), gtid_mode: gtidMode }));
  return whyNotOn(marker(note), { flavor, variables });
}

describe('a restore that was killed on an existing server', () => {
  it.each(['replaying', 'proving', 'proven'])('can go on while %s, as long as the server ran through', (phase) => {
    expect(why({ phase })).toBeNull();
    expect(why({ phase }, { serverId: 500 })).toContain('was started anew since');
  });

  it.each([
    ['not loaded to the end', null],
    ['not loaded to the end', { phase: 'loading' }],
    ['its proof failed', { phase: 'failed' }],
    ['an earlier version', { plan: null, run: null }],
  ])('cannot, because %s', (what, note) => {
    expect(why(note)).toContain(what);
  });

  it.each([
    ['applier', 'OFF', 'without GTIDs'],
    ['applier', 'ON', null],
    ['session', 'OFF', null],
    ['session', 'ON', null],
  ])('can on MySQL by %s, gtid_mode %s, unless: %s', (engine, gtidMode, what) => {
    const found = why({ run: { engine, serverId: SERVER_ID } }, { flavor: 'mysql', gtidMode });
    if (what === null) expect(found).toBeNull();
    else expect(found).toContain(what);
  });
});
