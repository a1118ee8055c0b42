import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../src/server/connection.ts';
import { setSkipScene, type SkipScene } from '../support/skip-scene.ts';

let scene: SkipScene;

beforeAll(async () => {
  scene = await setSkipScene();
});

afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});

describe('leaving out one incident and replaying what follows', () => {
  it.each([
    ['anew', 'impossible', 'anew is made anew, but it is still there: error 1007'],
    ['ensured', 'risky', 'ensured.t gets rows: one with the same key may still be there (error 1062)'],
    ['gone', 'safe', 'nothing behind it can fail or do something else for gone'],
    ['cut', 'risky', 'cut.t gets rows: one with the same key may still be there (error 1062)'],
    ['emptied', 'impossible', 'emptied.t gets a row whose key is still there: 7 (error 1062)'],
    ['packed', 'impossible', 'packed.t gets a row whose key is still there: 7 (error 1062)'],
    ['behind', 'safe', 'nothing behind it can fail or do something else for behind.t'],
    ['inside', 'impossible', 'inside.t still has n, not behind all others: values would come into wrong columns'],
    ['updated', 'safe', 'nothing behind it can fail or do something else for updated.t'],
    ['text', 'risky', 'text.t is used by a statement that runs anew, on rows that are not those of the source'],
    ['mixed', 'impossible', 'mixed.u has a row changed that is not there: 1 (error 1032)'],
    ['family', 'risky', 'family.t is changed: rows of family.u that are still there may refer to it (error 1451)'],
    ['letters', 'risky', 'letters.u gets a row whose key is still there: 0xc6c7c8 (error 1062)'],
    ['computed', 'impossible', 'computed.u gets a row whose key is still there: 1 (error 1062)'],
    ['moved', 'impossible', 'moved.u is used, but it is not there (error 1146)'],
  ])('is predicted: %s, %s', async (schema, verdict, why) => {
    const { skips, conflicts } = await scene.planWithout(schema);

    expect(skips).toMatchObject([{ verdict, why: expect.stringContaining(why) as string }]);
    expect(conflicts.length > 0).toBe(verdict !== 'safe');
  });

  it('is predicted alike where the log is served, and served only where that is safe, or accepted', async () => {
    const { skips, conflicts } = await scene.planWithout('cut');

    expect(await scene.serveWithout('cut', { acceptConflicts: true })).toMatchObject({ skips, conflicts });
    await expect(scene.serveWithout('cut')).rejects.toMatchObject({ code: 'PREFLIGHT_FAILED' });
    await expect(scene.serveWithout('emptied', { acceptConflicts: true })).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: expect.stringContaining('emptied.t gets a row whose key is still there: 7') as string,
    });
    expect(await scene.serveWithout('gone')).toMatchObject({ skips: [{ verdict: 'safe' }] });
  });

  it('names what else was in the transaction that is left out', async () => {
    const { conflicts } = await scene.planWithout('mixed');

    const why = 'gets rows in the same transaction, which is left out too';
    expect(conflicts).toContainEqual(expect.objectContaining({ kind: 'left-out', object: 'mixed.u', why }));
  });

  it('does what was predicted where nothing fails', async () => {
    const { server } = await scene.restoreTo('clean', await scene.planWithout('gone', 'behind', 'updated', 'text'));
    try {
      await using restored = await connect({
        name: 'r',
        socket: server.socket,
        user: 'root',
        password: '',
        tls: 'off',
      });
      const all = async (sql: string) => await restored.query(sql);

      expect(await all('SELECT COUNT(*) AS n FROM gone.t')).toEqual([{ n: '1000' }]);
      expect(await all('SELECT id, v, n, w FROM behind.t WHERE id IN (3, 1001)')).toEqual([
        { id: 3, v: 'v3', n: 5, w: 3 },
        { id: 1001, v: 'new', n: 0, w: null },
      ]);
      expect(await all("SELECT COUNT(*) AS n, SUM(n) AS s FROM updated.t WHERE v LIKE 'v%'")).toEqual([
        { n: '998', s: '0' },
      ]);
      expect(await all('SELECT COUNT(*) AS n FROM text.t WHERE n = 5')).toEqual([{ n: '0' }]);
    } finally {
      process.kill(server.pid ?? 0, 'SIGTERM');
    }
  });

  it('refuses what would fail, and shows both rows where it is run all the same', async () => {
    const plan = await scene.planWithout('emptied');

    expect(plan.reachable).toBe(false);
    await expect(scene.restoreTo('refused', plan)).rejects.toMatchObject({ code: 'PREFLIGHT_FAILED' });
    await expect(scene.restoreTo('without', { ...plan, skips: [] })).rejects.toMatchObject({
      code: 'TOOL_FAILED',
      message: expect.stringMatching(
        /Duplicate entry '7' for key 'PRIMARY'.*; transaction 0-101-\d+ at binlog\.\d+:\d+ inserts in emptied\.t \(id: 7, v: new, n: 0, w: NULL\); the target has \(id: 7, v: v7, n: 0, w: 7\)/s,
      ) as string,
      hint: expect.stringMatching(
        /`--before-gtid 0-101-\d+` as the target; .*`--before inc-\w+`.*`lastgood salvage --before inc-\w+ --schema \w+[^`]* --out salvage-inc-\w+.sql.zst`/,
      ) as string,
    });
  });
});
