/** One part of a report, for any medium. */
export type Block =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'facts'; readonly facts: readonly (readonly [label: string, value: string])[] }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'table'; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: 'commands'; readonly steps: readonly { readonly say: string; readonly run: string }[] };

export interface Section {
  readonly title: string;
  readonly blocks: readonly Block[];
}

/** A report before it is Markdown or HTML. */
export interface ReportPage {
  readonly title: string;
  readonly ok: boolean;
  readonly verdict: string;
  readonly sections: readonly Section[];
}
