import { expect, it } from 'vitest';
import { dialectOf } from '../../../../src/incident/dialect.ts';
import { withEventState } from '../../../../src/operations/salvage/event-state.ts';

const dialect = dialectOf({ flavor: 'mariadb', version: 101_119 }, 0, false);
const event = (state: string, name = '`e`'): string =>
  `CREATE DEFINER=\`a\`@\`%\` EVENT ${name} ON SCHEDULE EVERY 1 DAY STARTS '2026-11-22 00:00:00' ` +
  `ON COMPLETION NOT PRESERVE ${state} COMMENT 'ON COMPLETION PRESERVE ENABLE' DO UPDATE t SET ENABLE = 'DISABLE'`;

it.each(['ENABLE', 'DISABLE', 'DISABLE ON SLAVE', 'DISABLE ON REPLICA'])('takes %s for another state', (state) => {
  expect(withEventState(event(state), 'DISABLE', dialect)).toBe(event('DISABLE'));
  expect(withEventState(event(state), 'ENABLE', dialect)).toBe(event('ENABLE'));
});

it('is not misled by a name', () => {
  const [sql, expected] = ['ENABLE', 'DISABLE'].map((state) => event(state, '`COMPLETION`'));
  expect(withEventState(sql ?? '', 'DISABLE', dialect)).toBe(expected);
});

it('gives no text for what it does not know', () => {
  expect(withEventState('CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1', 'DISABLE', dialect)).toBeNull();
});
