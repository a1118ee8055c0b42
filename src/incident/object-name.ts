import type { IncidentObject } from './incident.ts';

/** How people are shown an object: `shop`, `shop.orders`, `shop.orders (price, tax)` of parts of it, `ann@localhost`. */
export function objectName({ schema, name, parts = [] }: Omit<IncidentObject, 'type'>): string {
  const whole = [schema, name].filter((part) => part !== null && part !== '').join('.');
  return parts.length === 0 ? whole : `${whole} (${parts.join(', ')})`;
}
