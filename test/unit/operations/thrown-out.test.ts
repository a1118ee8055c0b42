import { describe, expect, it } from 'vitest';
import { likelyFreeId, nameArchiver } from '../../../src/operations/archiver-name.ts';
import { SourcePlace } from '../../../src/operations/thrown-out.ts';
import { LastgoodError } from '../../../src/platform/errors.ts';
import type { ServerConnection } from '../../../src/server/connection.ts';
import { describeClient } from '../../../src/server/dump-clients.ts';
import { silentLog } from '../../support/archiver.ts';

const PLACE = { repositoryPath: '/repo', name: 'shop' };
const SERVER = { name: 'shop', socket: '/nowhere/server.sock', user: 'lastgood', password: '', tls: 'off' } as const;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const placeOf = (): SourcePlace =>
  new SourcePlace({ ...PLACE, source: SERVER, serverId: 7 }, { firstMs: MINUTE, maxMs: 4 * MINUTE, random: () => 1 });

const refused = (errno: number, message: string): LastgoodError =>
  new LastgoodError('SERVER_QUERY_FAILED', `the server ended the binary log stream: ${message}`, {
    details: { errno },
  });

/** A server that lists these clients. */
function listing(flavor: 'mariadb' | 'mysql', rows: readonly object[] | LastgoodError): ServerConnection {
  const query = (): Promise<unknown> => (rows instanceof Error ? Promise.reject(rows) : Promise.resolve(rows));
  return { flavor, options: SERVER, query } as unknown as ServerConnection;
}

describe('an archiver whose place another client takes', () => {
  it('leaves it longer each time, and begins anew when it was left in peace for an hour', async () => {
    const place = placeOf();
    const error = new LastgoodError('SERVER_ID_TAKEN', 'taken');
    const waits: number[] = [];
    let now = 0;
    for (const stayed of [0, 10, 10, 10, HOUR - 1, HOUR]) {
      now += stayed;
      const waitMs = await place.leave(error, silentLog, now);
      waits.push(waitMs / MINUTE);
      now += waitMs;
    }
    expect(waits).toEqual([1, 2, 4, 4, 4, 1]);
  });

  it.each([
    [4052, 'A slave with the same server_uuid/server_id as this slave has connected to the master'],
    [4052, 'in another language'],
    [1236, 'A replica with the same server_uuid/server_id as this replica has connected to the source'],
  ])('knows it by what the source says: %i %s', (errno, message) => {
    expect(placeOf().explain(refused(errno, message))).toMatchObject({
      code: 'SERVER_ID_TAKEN',
      details: { serverId: 7 },
      hint: expect.stringContaining(`primary.server_id = ${likelyFreeId(PLACE)}`) as string,
    });
  });

  it('takes nothing else for it', () => {
    for (const error of [refused(1236, 'could not find first log file name'), new Error('a bug')])
      expect(placeOf().explain(error)).toBe(error);
  });

  it('looks for the other one only where MySQL hung up, and only once', async () => {
    const place = placeOf();
    const twin = listing('mysql', [{ Server_id: 7, Host: 'lastgood', Slave_UUID: place.archiver.uuid }]);
    const hungUp = new LastgoodError('SERVER_UNREACHABLE', 'broke', { details: { ended: true } });
    place.explain(new LastgoodError('SERVER_UNREACHABLE', 'not a byte'));
    await place.check(twin, { isNew: false });
    expect(place.explain(hungUp)).toBe(hungUp);
    await expect(place.check(twin, { isNew: false })).rejects.toMatchObject({ code: 'SERVER_ID_TAKEN' });
    await place.check(twin, { isNew: false });
    place.explain(hungUp);
    await place.check(listing('mysql', [{ Server_id: 7, Host: 'db2', Slave_UUID: 'other' }]), { isNew: false });
  });

  it('throws nobody out while it has archived nothing, where it may see that', async () => {
    const taken = [{ Server_id: '7', Host: 'lastgood@backup-2:0123abcd' }];
    const check = async (rows: readonly object[] | LastgoodError, isNew = true): Promise<void> => {
      await placeOf().check(listing('mariadb', rows), { isNew });
    };
    await expect(check(taken)).rejects.toThrow("an archiver on 'backup-2' replicates from the shop");
    await check(taken, false);
    await check([{ Server_id: 8, Host: '' }]);
    await check([{ Server_id: 7, Host: placeOf().archiver.host }]); // its own, from before
    await check([{ Server_id: 7, Host: nameArchiver({ ...PLACE, repositoryPath: '/before' }, 7).host }]);
    await check(new LastgoodError('PRIVILEGE_MISSING', 'REPLICATION MASTER ADMIN'));
  });
});

describe('the name of an archiver', () => {
  it('is the same at each start, and another one on another machine or of another repository', () => {
    const names = [
      nameArchiver(PLACE, 7, 'backup-1'),
      nameArchiver(PLACE, 7, 'backup-2'),
      nameArchiver({ ...PLACE, repositoryPath: '/other' }, 7, 'backup-1'),
      nameArchiver({ ...PLACE, name: 'crm' }, 7, 'backup-1'),
    ];
    expect(nameArchiver(PLACE, 7, 'backup-1')).toEqual(names[0]);
    expect(new Set(names.map(({ host }) => host)).size).toBe(4);
    expect(new Set(names.map(({ uuid }) => uuid)).size).toBe(4);
    for (const { uuid } of names) expect(uuid).toMatch(/^1a57600d-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-000000000007$/);
  });

  it('fits where a server keeps it, whatever the machine is called', () => {
    const { host } = nameArchiver(PLACE, 4_294_967_295, `é ${'x'.repeat(300)}`);
    expect(Buffer.byteLength(host)).toBeLessThanOrEqual(60);
    expect(describeClient({ host })).toBe(`an archiver on '??${'x'.repeat(38)}'`);
  });

  it('says of others what they are', () => {
    expect(['lastgood', '', 'db2'].map((host) => describeClient({ host }))).toEqual([
      'another archiver',
      'a replica',
      "a replica that calls itself 'db2'",
    ]);
  });
});
