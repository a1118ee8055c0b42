import { expect, it } from 'vitest';
import { makeGrants } from '../../../../src/operations/salvage/make-grants.ts';

it('lists the privileges that a lost server did not take: the schema is there all the same', async () => {
  const server = {
    name: 'live server',
    socket: '/nonexistent/server.sock',
    user: 'root',
    password: '',
    tls: 'off' as const,
  };
  expect(await makeGrants(server, ['GRANT SELECT ON `shop`.* TO `app`@`%`'])).toEqual([
    {
      ...{ type: 'grant', name: 'GRANT SELECT ON `shop`.* TO `app`@`%`' },
      why: expect.stringContaining('cannot connect to the live server') as unknown,
    },
  ]);
});
