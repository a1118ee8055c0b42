/** A name as SQL takes it, whatever is in it. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** `schema`.`name`, quoted: whatever the default schema is. */
export function within(schema: string, name: string): string {
  return `${quoteName(schema)}.${quoteName(name)}`;
}
