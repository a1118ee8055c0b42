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

describe('a replay without an incident, though it was predicted to fail', () => {
  it.each([
    ['ensured', /Duplicate entry '1' for key 'PRIMARY'.*the target has \(id: 1, v: v1, n: 0, w: 1\)/s],
    ['cut', /Duplicate entry '1' for key 'PRIMARY'.*inserts in cut\.t \(id: 1, v: new/s],
    ['moved', /'moved\.u' doesn't exist/],
  ])('stops as predicted: %s', async (schema, message) => {
    expect(await scene.errorWithout(schema)).toMatch(message);
  });

  it('stops in a session at what is made anew; a replica makes it all the same', async () => {
    expect(await scene.errorWithout('anew', { engine: 'session' })).toMatch(/database exists.*CREATE DATABASE anew/s);
    expect(await scene.errorWithout('anew')).toBeNull();
  });

  it('brings values into wrong columns where a column in the middle is still there: so it is never run', async () => {
    const plan = { ...(await scene.planWithout('inside')), skips: [] };
    const { server } = await scene.restoreTo('wrong', plan);
    try {
      await using restored = await connect({
        name: 'r',
        socket: server.socket,
        user: 'root',
        password: '',
        tls: 'off',
      });
      const [row] = await restored.query('SELECT v, n, w FROM inside.t WHERE id = 1001');

      expect(row).toEqual({ v: 'new', n: 77, w: null });
    } finally {
      process.kill(server.pid ?? 0, 'SIGTERM');
    }
  });
});
