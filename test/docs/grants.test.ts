import { expect, it } from 'vitest';
import { grantStatement, PRIVILEGES } from '../../src/server/grants.ts';
import { readPage, section } from './markdown.ts';

it('README.md shows exactly the privileges that doctor checks', () => {
  const shown = section(readPage('README.md'), 'Security').match(/GRANT .*?;/g);
  const { archiver, backup } = PRIVILEGES;
  const wanted = [archiver.mariadb, archiver.mysql, backup.mariadb, backup.mysql];
  expect(shown).toEqual(wanted.map((privileges) => grantStatement('lastgood@%', privileges)));
});
