/**
 * As JSON.parse, but the error tells only where the text is wrong, never what stands there: who names the wrong file may name a secret.
 *
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // Source: V8 gives a position or quotes the text, by what is wrong; the error itself must not go on as a cause.
    const [, position] = /in JSON at position (\d+)(?: \(line \d+ column \d+\))?$/.exec(String(error)) ?? [];
    throw new SyntaxError(position === undefined ? 'it is no JSON' : `it is no JSON at position ${position}`);
  }
}
