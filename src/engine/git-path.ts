/**
 * Paths as git gives them: bytes, carried as one character each. Shown as text where they are text on one line, and
 * otherwise in quotes with escapes, as git itself shows them.
 */

const ESCAPES: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r', '"': '\\"', '\\': '\\\\' }

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The path as text; null if its bytes are none. */
export function textOf(raw: string): string | null {
  try {
    return decoder.decode(Buffer.from(raw, 'latin1'))
  } catch {
    return null
  }
}

export function rawOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** As git reads lists of paths. */
export const nulled = (raws: readonly string[]): string => raws.map((raw) => `${raw}\0`).join('')

/** One line that names the path and no other. */
export function shownPath(raw: string): string {
  const text = textOf(raw)
  if (text !== null && !/^"|[\u0000-\u001f\u007f-\u009f]/.test(text)) return text
  const escaped = [...raw].map((byte) => {
    const code = byte.charCodeAt(0)
    return ESCAPES[byte] ?? (code < 0x20 || code > 0x7e ? `\\${code.toString(8).padStart(3, '0')}` : byte)
  })
  return `"${escaped.join('')}"`
}
