/** Pieces of Markdown that the pages are made of. */

/** Set as code; what stands in a cell of a table must not end it. */
export const code = (text: string): string => `\`${text}\``

export const codes = (texts: readonly string[]): string => (texts.length === 0 ? '–' : texts.map(code).join(', '))

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
  return [line(heads), `|${heads.map(() => '---|').join('')}`, ...rows.map(line)].join('\n')
}

const DO_NOT_EDIT = '<!-- Made from the sources by `npm run docs`; edit those, not this page. -->'

/** A page from its blocks; empty ones are left out. */
export const page = (title: string, ...blocks: readonly string[]): string =>
  `${[`# ${title}`, DO_NOT_EDIT, ...blocks].filter((block) => block !== '').join('\n\n')}\n`
