/** Blocks of shell commands, taken apart into the commands a reader would type one after the other. */

export interface Command {
  text: string
  /** Line of the document. */
  line: number
  /** Status it has to end with: what a comment `# exit 3` says, else 0. */
  status: number
  /** It goes on until it is interrupted, as a comment with `Ctrl-C` says. */
  isEndless: boolean
}

/** `line`: that of the fence. A line goes on after a backslash, within quotes, and in a here-document. */
export function commandsIn(block: string, line: number): Command[] {
  const commands: Command[] = []
  let text = ''
  let began = 0
  let until: string | null = null
  for (const [index, one] of block.replace(/\n$/, '').split('\n').entries()) {
    if (text === '') began = line + index + 1
    text += text === '' ? one : `\n${one}`
    if (until !== null) {
      if (one.trim() !== until) continue
      until = null
    } else {
      until = /<<-?\s*['"]?(\w+)['"]?/.exec(one)?.[1] ?? null
      if (until !== null || one.endsWith('\\') || isQuoteOpen(text)) continue
    }
    if (!/^\s*(#|$)/.test(text)) commands.push(commandOf(text, began))
    text = ''
  }
  if (text !== '') throw new Error(`the command of line ${began} has no end`)
  return commands
}

function commandOf(text: string, line: number): Command {
  const comment = /\s#\s(.*)$/.exec(text.split('\n')[0]!)?.[1] ?? ''
  return {
    text,
    line,
    status: Number(/\bexit (\d+)/.exec(comment)?.[1] ?? 0),
    isEndless: comment.includes('Ctrl-C'),
  }
}

/** An apostrophe in a comment opens nothing. */
function isQuoteOpen(text: string): boolean {
  let quote: string | null = null
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!
    if (quote === null && char === '#' && /\s/.test(text[at - 1] ?? ' ')) at = endOfLine(text, at)
    else if (char === '\\' && quote !== "'") at += 1
    else if (quote === null && (char === '"' || char === "'")) quote = char
    else if (char === quote) quote = null
  }
  return quote !== null
}

const endOfLine = (text: string, from: number): number => {
  const end = text.indexOf('\n', from)
  return end === -1 ? text.length : end
}
