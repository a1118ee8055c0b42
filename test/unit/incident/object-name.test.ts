import { expect, it } from 'vitest';
import { objectName } from '../../../src/incident/object-name.ts';

it('an object is shown by its schema, its name, and what of it is concerned', () => {
  expect(objectName({ schema: 'shop', name: null })).toBe('shop');
  expect(objectName({ schema: 'shop', name: 'orders' })).toBe('shop.orders');
  expect(objectName({ schema: 'shop', name: 'orders', parts: ['price', 'tax'] })).toBe('shop.orders (price, tax)');
  expect(objectName({ schema: '', name: 'ann@localhost' })).toBe('ann@localhost');
});
