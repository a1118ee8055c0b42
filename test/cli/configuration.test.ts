import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTempDirectory } from '../../src/platform/temp-dir.ts';
import { parseError, runLastgood } from './run-lastgood.ts';

const VALID = `
[repository]
url = "archive"
[primary]
name = "shop"
host = "127.0.0.1"
user = "lastgood"
`;

describe('without a configuration', () => {
  it('a command that needs one exits 2 and names the places it looked at', async () => {
    await using folder = await makeTempDirectory('lastgood-cli-');
    const { exitCode, stdout, stderr } = await runLastgood(['segments'], { cwd: folder.path });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toBe(
      `error: no configuration: neither ${join(folder.path, 'lastgood.toml')} nor /etc/lastgood/lastgood.toml exists [CONFIG_MISSING]\n` +
        'hint: Write a lastgood.toml (see docs/configuration.md) and name it with --config FILE.\n',
    );
  });

  it('that is named, no other one is taken', async () => {
    await using folder = await makeTempDirectory('lastgood-cli-');
    await writeFile(join(folder.path, 'lastgood.toml'), VALID);
    const outcome = await runLastgood(['segments', '--json', '--config', 'other.toml'], { cwd: folder.path });
    expect(outcome.exitCode).toBe(2);
    expect(parseError(outcome)).toMatchObject({
      code: 'CONFIG_MISSING',
      message: `cannot read configuration '${join(folder.path, 'other.toml')}'`,
    });
  });
});

describe('with a configuration', () => {
  it('a wrong key exits 2 and is named with its nearest neighbour', async () => {
    await using folder = await makeTempDirectory('lastgood-cli-');
    await writeFile(join(folder.path, 'lastgood.toml'), VALID.replace('user', 'usr'));
    const { exitCode, stderr } = await runLastgood(['segments'], { cwd: folder.path });
    expect(exitCode).toBe(2);
    expect(stderr).toContain("unknown key 'primary.usr', did you mean 'primary.user'? [CONFIG_INVALID]");
  });

  it('what it asks for in vain is told once', async () => {
    await using folder = await makeTempDirectory('lastgood-cli-');
    await writeFile(join(folder.path, 'lastgood.toml'), `${VALID}[serve]\nlisten = "127.0.0.1:9306"\n`);
    const { stderr } = await runLastgood(['status'], { cwd: folder.path });
    expect(stderr.match(/serve\.listen has no effect/g)).toHaveLength(1);
  });

  it.each(['segments', 'lineages', 'backups', 'incidents', 'catalog rebuild', 'plan --latest'])(
    '`lastgood %s` exits 10 where there is no repository, and makes none',
    async (words) => {
      await using folder = await makeTempDirectory('lastgood-cli-');
      await writeFile(join(folder.path, 'lastgood.toml'), VALID);
      const outcome = await runLastgood([...words.split(' '), '--json'], { cwd: folder.path });
      expect(outcome.exitCode).toBe(10);
      expect(parseError(outcome)).toMatchObject({
        code: 'REPOSITORY_MISSING',
        message: `no repository at '${join(folder.path, 'archive')}'`,
      });
    },
  );

  it.each(['status', 'incidents', 'verify', 'archive --until-current'])(
    '`lastgood %s` exits 10 where a file stands in the place of the repository',
    async (words) => {
      await using folder = await makeTempDirectory('lastgood-cli-');
      await writeFile(join(folder.path, 'lastgood.toml'), VALID);
      await writeFile(join(folder.path, 'archive'), 'a file');
      const { exitCode, stdout, stderr } = await runLastgood(words.split(' '), { cwd: folder.path });
      expect(exitCode).toBe(10);
      expect(stdout + stderr).toMatch(/not a folder|ENOTDIR/);
      const doctor = await runLastgood(['doctor'], { cwd: folder.path });
      expect(doctor.exitCode).toBe(40);
      expect(doctor.stdout).toContain(`error: repository (${join(folder.path, 'archive')}): `);
    },
  );

  it('`lastgood archive` exits 10 where the folder of the repository is of something else, and puts nothing into it', async () => {
    await using folder = await makeTempDirectory('lastgood-cli-');
    await writeFile(join(folder.path, 'lastgood.toml'), VALID.replace('"archive"', '"."'));
    await writeFile(join(folder.path, 'ibdata1'), 'a tablespace');
    const { exitCode, stderr } = await runLastgood(['archive', '--until-current'], { cwd: folder.path });
    expect(exitCode).toBe(10);
    expect(stderr).toContain(
      `error: no repository at '${folder.path}', and none is begun there: the folder holds 'ibdata1', which is not of an archive [REPOSITORY_MISSING]\n` +
        'hint: Is repository.url right? Give a folder that is empty or does not exist yet',
    );
    expect((await readdir(folder.path)).sort()).toEqual(['ibdata1', 'lastgood.toml']);
    const doctor = await runLastgood(['doctor'], { cwd: folder.path });
    expect(doctor.exitCode).toBe(40);
    expect(doctor.stdout).toContain(`error: repository (${folder.path}): there is no repository, and none is begun`);
  });

  it('has doctor say so, too, where a file stands on the way to the repository', async () => {
    await using folder = await makeTempDirectory('lastgood-cli-');
    const file = join(folder.path, 'archive');
    await writeFile(join(folder.path, 'lastgood.toml'), VALID.replace('"archive"', '"archive/repo"'));
    await writeFile(file, 'a file');
    const doctor = await runLastgood(['doctor'], { cwd: folder.path });
    expect(doctor.exitCode).toBe(40);
    expect(doctor.stderr).not.toContain('BUG');
    expect(doctor.stdout).toContain(
      `error: repository (${file}/repo): repository '${file}/repo' cannot be there: '${file}' is not a folder`,
    );
  });

  it('comes from $LASTGOOD_CONFIG before the current folder', async () => {
    await using folder = await makeTempDirectory('lastgood-cli-');
    await writeFile(join(folder.path, 'lastgood.toml'), 'not = "read"');
    await writeFile(join(folder.path, 'named.toml'), VALID);
    const env = { LASTGOOD_CONFIG: join(folder.path, 'named.toml') };
    expect((await runLastgood(['segments'], { cwd: folder.path, env })).exitCode).toBe(10);
  });

  it('an unknown state is what monitoring gets', async () => {
    await using folder = await makeTempDirectory('lastgood-cli-');
    await writeFile(join(folder.path, 'lastgood.toml'), VALID);
    const { exitCode, stdout, stderr } = await runLastgood(['status', '--nagios'], { cwd: folder.path });
    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: '' });
    expect(stdout).toMatch(/^LASTGOOD UNKNOWN - no repository at '.*' \[REPOSITORY_MISSING\]\n$/);
  });
});
