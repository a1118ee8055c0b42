import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { LastgoodError } from '../../../src/platform/errors.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import { ScratchServer, type ScratchServerOptions } from '../../../src/recovery/scratch-server.ts';

/** One that runs, in a folder. @param did what is done with it */
function serverIn(datadir: string, onError: ScratchServerOptions['onError'], did: string[]): ScratchServer {
  const done =
    (what: string): (() => Promise<void>) =>
    () =>
      Promise.resolve(void did.push(what));
  return new ScratchServer({
    server: { datadir, socket: join(datadir, 's'), ended: null, stop: done('stopped'), kill: done('killed') },
    admin: { query: () => Promise.resolve([{ 1: 1 }]), close: done('left') },
    lock: { [Symbol.asyncDispose]: done('unlocked') },
    login: {},
    options: { datadir, onError, zone: { warning: null }, settings: {} },
  } as unknown as ConstructorParameters<typeof ScratchServer>[0]);
}

const NO_ROOM = new LastgoodError('STORAGE_FAILED', "cannot write 'note': no space left");

it('keeps what is restored when the disk takes no more, and says how to go on', async () => {
  await using folder = await makeTempDirectory('lastgood-unit-');
  await writeFile(join(folder.path, 'ibdata1'), '');
  const did: string[] = [];

  const error = await serverIn(folder.path, 'if-ended', did).abandon(NO_ROOM);

  expect(error).toMatchObject({
    code: 'STORAGE_FAILED',
    message: `cannot write 'note': no space left; what is restored so far is kept in '${folder.path}'`,
    hint: `\`lastgood restore --resume --datadir ${folder.path}\` goes on from there.`,
  });
  expect(await readdir(folder.path)).toEqual(['ibdata1']);
  expect(did).toEqual(['left', 'stopped', 'unlocked']);
});

it('asks nothing of a server that is to end because somebody said so: it may be at work for hours', async () => {
  await using folder = await makeTempDirectory('lastgood-unit-');
  const did: string[] = [];
  const server = serverIn(folder.path, 'if-ended', did);
  const error = new LastgoodError('INTERRUPTED', 'interrupted');
  const asked = vi.spyOn(server.admin, 'query');

  expect(await server.abandon(error)).toBe(error);

  expect(asked).not.toHaveBeenCalled();
  expect(did).toEqual(['left', 'killed', 'unlocked']);
});

it('empties the folder of one that nobody goes on with, once: then it may be of another', async () => {
  await using folder = await makeTempDirectory('lastgood-unit-');
  await writeFile(join(folder.path, 'ibdata1'), '');
  const did: string[] = [];
  const server = serverIn(folder.path, 'empty', did);

  expect(await server.abandon(NO_ROOM)).toBe(NO_ROOM);
  await writeFile(join(folder.path, 'of another'), '');
  await server[Symbol.asyncDispose]();

  expect(await readdir(folder.path)).toEqual(['of another']);
  expect(did).toEqual(['left', 'killed', 'unlocked']);
});
