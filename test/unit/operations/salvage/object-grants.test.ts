import { describe, expect, it } from 'vitest';
import { grantText, parseObjectGrant } from '../../../../src/operations/salvage/object-grants.ts';

const asItWas = (line: string): string | null => {
  const grant = parseObjectGrant(line);
  return grant === null ? null : grantText(grant);
};

describe('parseObjectGrant', () => {
  it.each([
    'GRANT SELECT, INSERT ON `shop`.* TO `app`@`%` WITH GRANT OPTION',
    'GRANT ALL PRIVILEGES ON `my\\_shop`.* TO `app`@`%`',
    'GRANT SELECT (`a`, `b ON c`), UPDATE ON `shop`.`orders` TO `app`@`%`',
    'GRANT EXECUTE ON PROCEDURE `shop`.`p` TO `role`',
    'GRANT EXECUTE ON PACKAGE BODY `shop`.`p` TO `app`@`%`',
    'GRANT SELECT ON `sh``op`.`or``ders` TO `app`@`%`',
  ])('reads and writes %s', (line) => {
    expect(asItWas(line)).toBe(line);
  });

  it('takes an underscore for itself, as people mean it, and writes it so', () => {
    expect(asItWas('GRANT SELECT ON `my_shop`.* TO `app`@`%`')).toBe('GRANT SELECT ON `my\\_shop`.* TO `app`@`%`');
  });

  it.each([
    'GRANT SELECT ON *.* TO `app`@`%` IDENTIFIED BY PASSWORD `x`',
    'GRANT SELECT ON `shop%`.* TO `app`@`%`',
    'GRANT `role` TO `app`@`%`',
    "GRANT PROXY ON ''@'%' TO 'root'@'localhost' WITH GRANT OPTION",
    'SET DEFAULT ROLE `role` FOR `app`@`%`',
  ])('passes over %s', (line) => {
    expect(parseObjectGrant(line)).toBeNull();
  });

  it('writes it for another schema', () => {
    const [all, one] = ['GRANT SELECT ON `shop`.* TO `a`@`%`', 'GRANT SELECT ON `shop`.`t` TO `a`@`%`']
      .map(parseObjectGrant)
      .map((grant) => (grant === null ? null : grantText(grant, 'shop_2')));
    expect(all).toBe('GRANT SELECT ON `shop\\_2`.* TO `a`@`%`');
    expect(one).toBe('GRANT SELECT ON `shop_2`.`t` TO `a`@`%`');
  });
});
