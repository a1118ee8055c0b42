/** What a definition is made of: names in quotes, words, texts in quotes, single characters. */
export interface Token {
  readonly kind: 'name' | 'word' | 'text' | 'sign';
  /** Names without their quotes, words in lower case. */
  readonly value: string;
}

const TOKEN = /`((?:[^`]|``)*)`|('(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")|([\w$\u0080-\uffff]+)|(\S)/gs;

/** Takes a definition apart, as information_schema has it. A server writes backslashes before quotes there, in any sql_mode. */
export function definitionTokens(definition: string): Token[] {
  return Array.from(definition.matchAll(TOKEN), ([, name, text, word, sign = '']) => {
    if (name !== undefined) return { kind: 'name', value: name.replaceAll('``', '`') };
    if (text !== undefined) return { kind: 'text', value: text };
    return word === undefined ? { kind: 'sign', value: sign } : { kind: 'word', value: word.toLowerCase() };
  });
}

/** The collations that it names: columns may have to be of them. */
export function namedCollations(tokens: readonly Token[]): string[] {
  const named = tokens.filter(({ kind }, at) => kind === 'word' && tokens[at - 1]?.value === 'collate');
  return [...new Set(named.map(({ value }) => value))];
}

/** True when a function may stand in the place of a table. */
export function callsTable(tokens: readonly Token[]): boolean {
  return tokens.some(({ kind, value }, at) => kind === 'word' && /table$/.test(value) && tokens[at + 1]?.value === '(');
}

/** How many expressions stand between the parenthesis there and its other one. */
export function argumentsFrom(tokens: readonly Token[], open: number): number {
  let [depth, commas] = [0, 0];
  for (const { kind, value } of tokens.slice(open)) {
    if (kind !== 'sign') continue;
    if (value === '(') depth += 1;
    else if (value === ')') depth -= 1;
    else if (value === ',' && depth === 1) commas += 1;
    if (depth === 0) break;
  }
  return tokens[open + 1]?.value === ')' ? 0 : commas + 1;
}
