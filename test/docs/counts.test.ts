import { expect, it } from 'vitest';
import { HARMLESS } from '../support/harmless-statements.ts';
import { INCIDENT_FORMS } from '../support/incident-forms.ts';
import { readPage } from './markdown.ts';

it('README.md counts what is tried on real servers', () => {
  const [, ways, statements] =
    /(\d+) ways to\s+destroy something are tried.*?, and (\d+) harmless statements/s.exec(readPage('README.md')) ?? [];
  const harmless = HARMLESS.flatMap((session) =>
    session.statements.map((statement) => (typeof statement === 'string' ? statement : statement.fails)),
  );
  expect([Number(ways), Number(statements)]).toEqual([INCIDENT_FORMS.length, new Set(harmless).size]);
});
