import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../../src/cli/config/load-settings.ts';
import type { AlertSettings } from '../../../src/operations/alerts/alert-settings.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';

const SMALLEST = '[repository]\nurl = "archive"\n[primary]\nname = "shop"\nhost = "db1"\nuser = "lastgood"\n';

async function load(incidents: string, options: { file?: string; secrets?: boolean } = {}): Promise<AlertSettings> {
  await using folder = await makeTempDirectory('lastgood-config-');
  const config = join(folder.path, 'lastgood.toml');
  await writeFile(config, `${SMALLEST}[incidents]\n${incidents}`);
  if (options.file !== undefined) await writeFile(join(folder.path, 'webhook'), options.file);
  const { alerts } = await loadSettings({ config, secrets: options.secrets ?? true });
  if (alerts === undefined) throw new Error('no alerts in the settings');
  return alerts;
}

async function problemOf(incidents: string, file?: string): Promise<string> {
  const error: unknown = await load(incidents, { ...(file !== undefined && { file }) }).catch(
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Error)) throw new Error('the configuration was accepted');
  return error.message.replace(/^\S+lastgood\.toml:? /, '');
}

describe('[[incidents.rule]]', () => {
  it('takes one of each or a list of them, in their order', async () => {
    const rules = `[[incidents.rule]]\nkind = "truncate-table"\nschema = "stag*"\nalert = false
[[incidents.rule]]\nkind = ["drop-view", "rename-table"]\ntable = ["a", "b?"]\nalert = true\n`;
    expect((await load(rules)).rules).toEqual([
      { kinds: ['truncate-table'], schemas: ['stag*'], tables: null, alert: false },
      { kinds: ['drop-view', 'rename-table'], schemas: null, tables: ['a', 'b?'], alert: true },
    ]);
  });

  it.each([
    ['alert = false\nkinds = "x"', "unknown key 'incidents.rule.0.kinds', did you mean 'incidents.rule.0.kind'?"],
    ['kind = "drop-table"', 'incidents.rule.0.alert is missing'],
    ['alert = true\nkind = "drop-everything"', 'incidents.rule.0.kind must be one or a list of the kinds'],
    ['alert = true\nschema = []', 'incidents.rule.0.schema must not be empty'],
  ])('%j is refused', async (rule, problem) => {
    expect(await problemOf(`[[incidents.rule]]\n${rule}\n`)).toContain(problem);
  });
});

describe('the webhook', () => {
  it('may be in a file, which only commands that need it read', async () => {
    const named = 'alert_webhook_file = "webhook"\n';
    expect((await load(named, { file: 'https://chat.example.net/T0/secret\n' })).webhook).toBe(
      'https://chat.example.net/T0/secret',
    );
    expect((await load(named, { secrets: false })).webhook).toBeNull();
  });

  it.each(['ftp://x/', 'chat.example.net', 'https://user:secret@chat.example.net/'])('cannot be %s', async (url) => {
    const problem = 'an http:// or https:// URL without user and password';
    expect(await problemOf(`alert_webhook = "${url}"\n`)).toBe(`incidents.alert_webhook must be ${problem}`);
    const inFile = await problemOf('alert_webhook_file = "webhook"\n', url);
    expect(inFile).toContain(problem);
    expect(inFile).not.toContain('secret');
  });

  it('is in one place', async () => {
    const both = 'alert_webhook = "https://x/"\nalert_webhook_file = "webhook"\n';
    expect(await problemOf(both)).toBe('incidents has alert_webhook and alert_webhook_file: keep one');
  });
});
