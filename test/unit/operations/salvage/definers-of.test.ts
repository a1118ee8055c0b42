import { expect, it } from 'vitest';
import { definersOf } from '../../../../src/operations/salvage/definers-of.ts';

it('lists whom definitions run as, each once', () => {
  const sql = [
    'CREATE ALGORITHM=UNDEFINED DEFINER=`root`@`localhost` SQL SECURITY DEFINER VIEW `shop`.`v` AS select 1 AS `DEFINER=``x```',
    "CREATE DEFINER=`app`@`%` PROCEDURE `p`()\nSELECT 'DEFINER=`other`@`%`'",
    'CREATE DEFINER=`odd``name`@`10.0.0.%` TRIGGER t AFTER INSERT ON orders FOR EACH ROW SET @a = 1',
    'CREATE DEFINER=`a_role` FUNCTION `f`() RETURNS int(11) RETURN 1',
    'CREATE DEFINER=`app`@`%` EVENT `e` ON SCHEDULE EVERY 1 DAY DO SELECT 1',
  ];
  expect(definersOf(sql.map((text) => ({ sql: text })))).toEqual([
    '`a_role`',
    '`app`@`%`',
    '`odd``name`@`10.0.0.%`',
    '`root`@`localhost`',
  ]);
  expect(definersOf([])).toEqual([]);
});
