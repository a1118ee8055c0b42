import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadSettings } from '../../../src/cli/config/load-settings.ts';
import type { Settings } from '../../../src/operations/settings.ts';
import { MASS_DEFAULTS } from '../../../src/operations/mass-threshold.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';

const SMALLEST = `
[repository]
url = "archive"
[primary]
name = "shop"
host = "db1"
user = "lastgood"
`;

/** Loads `toml` from a folder that also holds `files`. */
async function load(
  toml: string,
  options: { files?: Record<string, string>; secrets?: boolean } = {},
): Promise<Settings> {
  await using folder = await makeTempDirectory('lastgood-config-');
  const config = join(folder.path, 'lastgood.toml');
  await writeFile(config, toml);
  for (const [name, content] of Object.entries(options.files ?? {})) await writeFile(join(folder.path, name), content);
  const settings = await loadSettings({ config, secrets: options.secrets ?? true });
  return JSON.parse(JSON.stringify(settings).replaceAll(folder.path, '/FOLDER')) as Settings;
}

async function problemOf(toml: string): Promise<string> {
  const error: unknown = await load(toml).catch((thrown: unknown) => thrown);
  if (!(error instanceof Error)) throw new Error('the configuration was accepted');
  return error.message.replace(/^\S+lastgood\.toml:? /, '');
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('the smallest configuration', () => {
  it('is filled up with defaults, and its paths start at its own folder', async () => {
    expect(await load(SMALLEST)).toEqual({
      repositoryPath: '/FOLDER/archive',
      keyFile: null,
      primary: {
        name: 'shop',
        host: 'db1',
        port: 3306,
        user: 'lastgood',
        password: '',
        tls: 'preferred',
        serverId: 4_210_001,
        usesRepositoryId: true,
      },
      replica: null,
      archive: { sync: 'group', semiSync: false, compression: 'zstd' },
      alerts: { command: null, webhook: null, mass: MASS_DEFAULTS, rules: [] },
    });
  });

  it('may name the repository as a file URL', async () => {
    const settings = await load(SMALLEST.replace('"archive"', '"file:///var/lib/last%20good"'));
    expect(settings.repositoryPath).toBe('/var/lib/last good');
  });

  it('takes how segments are stored; the key file lies where the configuration does', async () => {
    const toml = SMALLEST.replace('[primary]', 'encryption_key_file = "archive.key"\n[primary]');
    const settings = await load(`${toml}[archive]\ncompression = "none"\n`);
    expect(settings.keyFile).toBe('/FOLDER/archive.key');
    expect(settings.archive.compression).toBe('none');
    expect(settings.storesInClear).toBeUndefined();
  });

  it('takes the end of encryption only as a word of its own', async () => {
    const saying = (value: string): string =>
      SMALLEST.replace('[primary]', `encryption_key_file = "archive.key"\nencryption = "${value}"\n[primary]`);
    expect(await load(saying('off'))).toMatchObject({ keyFile: '/FOLDER/archive.key', storesInClear: true });
    expect(await problemOf(saying('on'))).toContain('repository.encryption can only be "off"');
  });
});

it('a configuration of a later version says what has no effect yet', async () => {
  await using folder = await makeTempDirectory('lastgood-config-');
  const config = join(folder.path, 'lastgood.toml');
  await writeFile(config, `${SMALLEST}[archive]\nsemi_sync = false\n[retention]\nkeep_days = 14\nkeep_backups = 4\n`);
  const notes: string[] = [];
  await loadSettings({ config, secrets: false, note: (text) => notes.push(text) });
  expect(notes).toEqual([
    'retention.keep_days has no effect in this version: nothing is deleted',
    'retention.keep_backups has no effect in this version: nothing is deleted',
  ]);
});

describe('a wrong configuration', () => {
  it('names an unknown key and the known one most like it', async () => {
    expect(await problemOf(SMALLEST.replace('host', 'hots'))).toBe(
      "unknown key 'primary.hots', did you mean 'primary.host'?",
    );
    expect(await problemOf(SMALLEST.replace('[primary]', '[primry]'))).toBe(
      "primary is missing; unknown section or key 'primry', did you mean 'primary'?",
    );
  });

  it('does not guess when no known key is like the unknown one', async () => {
    expect(await problemOf(`${SMALLEST}[network]\nlisten = "x"\n`)).toBe("unknown section or key 'network'");
  });

  it('refuses what it would have to ignore and someone may rely on', async () => {
    const toml = `${SMALLEST}[backup]\nmethod = "physical"\n`;
    expect(await problemOf(toml)).toBe('backup.method can only be "logical" in this version');
  });

  it('names every wrong key at once', async () => {
    const toml = SMALLEST.replace('name = "shop"', 'port = "x"\ntls = "maybe"');
    expect(await problemOf(toml)).toMatch(/primary\.name is missing; .*primary\.port .*; .*primary\.tls /);
  });

  it('says where text is not TOML', async () => {
    expect(await problemOf('[repository\nurl = 1')).toMatch(/^is not TOML at line 1, column \d+: /);
  });

  it('refuses repositories that this version cannot write to', async () => {
    const toml = SMALLEST.replace('"archive"', '"s3://bucket/prefix"');
    expect(await problemOf(toml)).toBe("repository.url 's3://bucket/prefix' must be a folder or file:///...");
  });

  it('refuses two addresses, two passwords and no address', async () => {
    expect(await problemOf(`${SMALLEST}socket = "s"`)).toBe('primary has both host and socket: keep one');
    expect(await problemOf(`${SMALLEST}password_file = "a"\npassword_env = "B"`)).toBe(
      'primary has password_file and password_env: keep one',
    );
    expect(await problemOf(SMALLEST.replace('host = "db1"', ''))).toBe('primary has neither host nor socket');
  });

  it.each(['0', '65536', '3306.5'])('refuses port %s', async (port) => {
    expect(await problemOf(`${SMALLEST}port = ${port}`)).toMatch(/^primary\.port /);
  });

  it.each(['"1 s"', '"1m"', '"never"'])('refuses to sync %s', async (sync) => {
    expect(await problemOf(`${SMALLEST}[archive]\nsync = ${sync}`)).toBe(
      'archive.sync must be "group" or a duration such as "1s" or "500ms"',
    );
  });
});

describe('passwords', () => {
  it('come from a file, without the line break at its end', async () => {
    const settings = await load(`${SMALLEST}password_file = "secret"`, { files: { secret: ' s e c \n' } });
    expect(settings.primary.password).toBe(' s e c ');
  });

  it('come from the environment', async () => {
    vi.stubEnv('SHOP_PASSWORD', 'sesame');
    expect((await load(`${SMALLEST}password_env = "SHOP_PASSWORD"`)).primary.password).toBe('sesame');
  });

  it('are an error when the variable is not set', async () => {
    expect(await problemOf(`${SMALLEST}password_env = "NOT_SET_ANYWHERE"`)).toBe(
      "primary.password_env names 'NOT_SET_ANYWHERE', which is not set",
    );
  });

  it('come from the [client] group of an option file, and the configuration wins over it', async () => {
    const optionFile = [
      '[mysqld]',
      'user = mysql',
      '[client]',
      'user=backup',
      'password = "p#w\\s1"  # comment',
      'host = db9 # comment',
      'port=3307',
    ].join('\n');
    const toml = SMALLEST.replace('host = "db1"\nuser = "lastgood"', 'user = "own"\ndefaults_file = "my.cnf"');
    const { primary } = await load(toml, { files: { 'my.cnf': optionFile } });
    expect(primary).toMatchObject({ user: 'own', password: 'p#w 1', host: 'db9', port: 3307 });
  });

  it('and other secrets have their files told, for doctor to look at', async () => {
    const replica = '[replica]\nhost = "db2"\ndefaults_file = "my.cnf"\n';
    const incidents = '[incidents]\nalert_webhook_file = "webhook"\n';
    const toml = `${SMALLEST}password_file = "secret"\nkey = "/etc/key.pem"\n${replica}${incidents}`;
    const { secretFiles } = await load(toml, { secrets: false });
    expect(secretFiles).toEqual(['/FOLDER/secret', '/etc/key.pem', '/FOLDER/my.cnf', '/FOLDER/webhook']);
  });

  it('are not looked for by commands that need no server', async () => {
    const settings = await load(`${SMALLEST}password_file = "not-there"`, { secrets: false });
    expect(settings.primary.password).toBe('');
    await expect(load(`${SMALLEST}password_file = "not-there"`)).rejects.toThrow(/cannot read '.*not-there'/);
  });
});

describe('the search for a configuration', () => {
  it('takes no other file when the named one is missing', async () => {
    await using folder = await makeTempDirectory('lastgood-config-');
    await mkdir(join(folder.path, 'etc'));
    vi.stubEnv('LASTGOOD_CONFIG', join(folder.path, 'etc', 'other.toml'));
    await expect(loadSettings({ config: undefined, secrets: true })).rejects.toMatchObject({ code: 'CONFIG_MISSING' });
  });
});
