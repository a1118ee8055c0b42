import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import { optionFileText, writeOptionFile } from '../../../src/server/option-file.ts';

const LOGIN = { name: 'replica', user: 'backup', password: 'p"a\\s#s', tls: 'off' } as const;

describe('optionFileText', () => {
  it('quotes what an option file would read otherwise', () => {
    expect(optionFileText({ ...LOGIN, socket: '/run/a b.sock' })).toBe(
      ['[client]', 'socket="/run/a b.sock"', 'user="backup"', 'password="p\\"a\\\\s#s"', 'loose-ssl="0"', ''].join(
        '\n',
      ),
    );
  });

  it('asks for an encrypted line, and for a verified server where a CA is given', () => {
    const text = optionFileText({ ...LOGIN, host: 'db', port: 3307, tls: 'required', ca: '/ca.pem' });
    expect(text).toContain('host="db"\nport="3307"\nprotocol="tcp"');
    expect(text).toContain('loose-ssl="1"\nloose-ssl-verify-server-cert="1"\nssl-ca="/ca.pem"');
  });
});

describe('writeOptionFile', () => {
  it('is for the owner only, and gone afterwards', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    let path: string;
    {
      await using file = await writeOptionFile(LOGIN, folder.path);
      path = file.path;
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect(await readFile(path, 'utf8')).toBe(optionFileText(LOGIN));
    }
    expect(existsSync(path)).toBe(false);
  });
});
