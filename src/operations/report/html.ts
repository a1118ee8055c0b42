import type { Block, ReportPage } from './blocks.ts';

/** The report as one page of HTML: no scripts, nothing loaded from elsewhere, readable on a phone and on paper. */
export function asHtml({ title, ok, verdict, sections }: ReportPage): string {
  const parts = sections.map(
    (section) => `<section><h2>${escape(section.title)}</h2>\n${section.blocks.map(blockHtml).join('\n')}</section>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escape(title)}</h1>
<p class="verdict ${ok ? 'good' : 'bad'}">${escape(verdict)}</p>
${parts.join('\n')}
</body>
</html>
`;
}

const STYLE = `
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; border-bottom: 1px solid #8888; margin-top: 2rem; }
.verdict { font-weight: bold; padding: .5rem .75rem; border-left: .4rem solid; }
.good { border-color: #2a7d2a; } .bad { border-color: #c22; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 0; }
dt { opacity: .7; } dd { margin: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid #8884; }
pre { background: #8882; padding: .6rem; white-space: pre-wrap; margin: .25rem 0 1rem; }
@media (max-width: 34rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .5rem; } }
@media print { body { font-size: 10pt; max-width: none; } section, tr, pre { break-inside: avoid; } pre { border: 1px solid #888; } }
`;

function blockHtml(block: Block): string {
  switch (block.kind) {
    case 'text':
      return `<p>${escape(block.text)}</p>`;
    case 'facts':
      return `<dl>${block.facts.map(([label, value]) => `<dt>${escape(label)}</dt><dd>${escape(value)}</dd>`).join('\n')}</dl>`;
    case 'list':
      return `<ul>${block.items.map((item) => `<li>${escape(item)}</li>`).join('\n')}</ul>`;
    case 'table':
      return `<div class="wide"><table><thead>${row('th', block.head)}</thead><tbody>${block.rows
        .map((cells) => row('td', cells))
        .join('\n')}</tbody></table></div>`;
    case 'commands':
      return block.steps.map(({ say, run }) => `<p>${escape(say)}</p><pre>${escape(run)}</pre>`).join('\n');
  }
}

function row(tag: 'th' | 'td', cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<${tag}>${escape(cell)}</${tag}>`).join('')}</tr>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
}
