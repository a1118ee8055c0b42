import type { Dialect } from '../../incident/dialect.ts';
import { Tokenizer, type Token } from '../../incident/tokenizer.ts';

/** Tells whether somebody wants to know of a table or view of this name. */
export type IsSought = (schema: string, name: string) => boolean;

/** A name of a table or view that a statement holds somewhere. */
export interface Mention {
  readonly schema: string;
  readonly name: string;
  /** True when it holds it more than once. */
  readonly isRepeated: boolean;
}

/**
 * The sought names that a statement mentions, each once. What only looks like a name of a table, such as a column's, counts too:
 * it errs to the safe side.
 */
export function mentionsIn(
  statement: { readonly text: string; readonly dialect: Dialect; readonly schema: string },
  isSought: IsSought,
): Mention[] {
  const found = new Map<string, Mention>();
  const tokenizer = new Tokenizer(statement.text, statement.dialect);
  let before: Token | null = null;
  let isQualified = false;
  for (let token = tokenizer.next(); token.kind !== 'end'; token = tokenizer.next()) {
    if (isName(token)) {
      const schemas = new Set(isQualified && before !== null ? [before.text, statement.schema] : [statement.schema]);
      for (const schema of schemas) {
        const key = `${schema}\0${token.text}`;
        if (isSought(schema, token.text)) found.set(key, { schema, name: token.text, isRepeated: found.has(key) });
      }
      before = token;
      isQualified = false;
    } else isQualified = token.kind === 'symbol' && token.text === '.' && before !== null;
  }
  return [...found.values()];
}

function isName({ kind }: Token): boolean {
  return kind === 'word' || kind === 'name';
}
