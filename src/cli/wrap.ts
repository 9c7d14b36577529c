/** Breaks prose into lines between its words, by displayed width; a word that is too long stays whole. */
import stringWidth from 'string-width'

/** `first` stands before the first line, `rest` before all others. */
export function wrap(text: string, width: number, first = '', rest = first): string[] {
  const lines: string[] = []
  let current = first
  let isEmpty = true
  for (const word of text.split(' ').filter(Boolean)) {
    if (!isEmpty && stringWidth(current) + 1 + stringWidth(word) > width) {
      lines.push(current)
      current = rest
      isEmpty = true
    }
    current = isEmpty ? `${current}${word}` : `${current} ${word}`
    isEmpty = false
  }
  return isEmpty ? lines : [...lines, current]
}
