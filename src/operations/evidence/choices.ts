const ESCAPED: Readonly<Record<string, string>> = { '0': '\0', n: '\n', r: '\r' };

/**
 * The values of `enum('a','b')` or `set(...)`, in order, as SHOW CREATE TABLE and information_schema quote them.
 * Source: MariaDB 10.11 and MySQL 5.6, sql/table.cc, append_unescaped.
 */
export function choicesOf(type: string): string[] {
  const list = /^(?:enum|set)\((.*)\)/is.exec(type)?.[1];
  if (list === undefined) return [];
  return [...list.matchAll(/'((?:[^'\\]|\\.|'')*)'/gs)].map(([, value = '']) =>
    value.replaceAll(/''|\\(.)/gs, (_, escaped: string | undefined) =>
      escaped === undefined ? "'" : (ESCAPED[escaped] ?? escaped),
    ),
  );
}
