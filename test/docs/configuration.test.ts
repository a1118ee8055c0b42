import { parse } from 'smol-toml';
import { expect, it } from 'vitest';
import { checkConfig } from '../../src/cli/config/check-config.ts';
import { CONFIG_KEYS, PLANNED_KEYS } from '../../src/cli/config/config-schema.ts';
import { SETTINGS_DEFAULTS } from '../../src/operations/settings.ts';
import { bare, PAGES, readPage, tableRows } from './markdown.ts';

const page = readPage('docs/configuration.md');

/** Every `[section]` that a heading names, with the keys of the table under it. */
function documentedKeys(): Record<string, string[]> {
  const keys: Record<string, string[]> = {};
  for (const part of page.split(/^## /m).slice(1)) {
    const heading = part.slice(0, part.indexOf('\n'));
    for (const [, name] of heading.matchAll(/\[([a-z]+)\]/g)) {
      keys[name ?? ''] = [...(keys[name ?? ''] ?? []), ...tableRows(part).map(([key]) => bare(key))].sort();
    }
  }
  return keys;
}

it('docs/configuration.md lists every key of every section, and no other', () => {
  const known = Object.fromEntries(Object.entries(CONFIG_KEYS).map(([name, keys]) => [name, [...keys].sort()]));
  expect(documentedKeys()).toEqual(known);
});

it('docs/configuration.md tells the defaults that stand in the code', () => {
  const smallest = { repository: { url: 'x' }, primary: { name: 'x' }, replica: {} };
  const { primary, replica, archive, backup } = checkConfig('smallest', smallest);
  const inCode = { ...archive, ...backup, ...replica, port: SETTINGS_DEFAULTS.port };
  const documented = new Map(tableRows(page).map(([key, value]) => [bare(key), bare(value)]));
  expect([primary.server_id, documented.get('server_id')]).toEqual([undefined, '']); // the repository has it
  const shown = Object.keys(inCode).map((key) => [key, documented.get(key)]);
  expect(Object.fromEntries(shown)).toEqual(
    Object.fromEntries(Object.entries(inCode).map(([key, value]) => [key, JSON.stringify(value)])),
  );
});

it('docs/configuration.md tells what holds instead of each planned key', () => {
  const sections = new Map(page.split(/^## /m).map((part) => [/\[([a-z]+)\]/.exec(part)?.[1], tableRows(part)]));
  for (const [key, instead] of Object.entries(PLANNED_KEYS)) {
    const [section, name] = key.split('.');
    const row = sections.get(section)?.find(([cell]) => bare(cell) === name);
    expect(row?.[2]?.toLowerCase(), key).toContain(instead);
  }
});

it('every configuration shown on a page is accepted', () => {
  const shown = PAGES.flatMap((path) =>
    [...readPage(path).matchAll(/^```toml\n(.*?)^```/gms)].map(([, toml]) => ({ path, toml: toml ?? '' })),
  );
  expect(shown).not.toEqual([]);
  for (const { path, toml } of shown) expect(() => checkConfig(path, parse(toml))).not.toThrow();
});
