/**
 * What an agent says, put together from the chunks of its stream. A chunk may end anywhere, within a marker as well, and
 * not every agent tells where one message ends and the next begins. The work for a chunk does not grow with the text.
 */

/** Of a longer text the end is kept, where the marker is. */
const TEXT_CHARS_MAX = 1024 * 1024
const PIECES_MAX = 10_000
/** A longer line is given before it ends. */
const LINE_CHARS_MAX = 2000
const MARKER_CHARS_MAX = 200

interface SpokenText {
  /** Takes a chunk; gives the lines it completed, null if none. */
  chunk(text: string, messageId: string | null): string | null
  /** The agent did something else: what comes next is another message, unless the chunks say otherwise. */
  pause(): void
  /** Gives what was not given yet, of a line without an end. */
  flush(): string | null
  /** Forgets the text: only what is said after the last tool call counts. */
  clear(): void
  text(): string
}

/** The beginning of a marker, cut off. No pause may tear it. */
const OPEN_MARKER = /(?:^|\n)#[^\n]*$/

export function spokenText(): SpokenText {
  let pieces: string[] = []
  let chars = 0
  /** The last of the text. */
  let tail = ''
  /** What was not given yet. */
  let line = ''
  let isPaused = false
  let current: string | null = null

  const keep = (piece: string): void => {
    pieces.push(piece)
    chars += piece.length
    tail = (tail + piece).slice(-MARKER_CHARS_MAX)
    if (chars <= 2 * TEXT_CHARS_MAX && pieces.length <= PIECES_MAX) return
    pieces = [pieces.join('').slice(-TEXT_CHARS_MAX)]
    chars = pieces[0]!.length
  }

  /** Adds to the line that is being said, and gives what ends with this piece. */
  const give = (piece: string): string | null => {
    const end = piece.lastIndexOf('\n') + 1
    const isLong = line.length + piece.length > LINE_CHARS_MAX
    const given = isLong ? line + piece : end > 0 ? line + piece.slice(0, end) : ''
    line = isLong ? '' : end > 0 ? piece.slice(end) : line + piece
    return given.trim() === '' ? null : given.trim()
  }

  return {
    chunk(piece, messageId) {
      const isNext = messageId === null ? isPaused && !OPEN_MARKER.test(tail) : messageId !== current
      current = messageId
      isPaused = false
      if (piece === '') return null
      const added = isNext && chars > 0 ? `\n\n${piece}` : piece
      keep(added)
      return give(added)
    },
    pause() {
      isPaused = true
    },
    flush() {
      const rest = line.trim()
      line = ''
      return rest === '' ? null : rest
    },
    clear() {
      pieces = []
      chars = 0
      tail = ''
      line = ''
      isPaused = false
    },
    text: () => pieces.join('').slice(-TEXT_CHARS_MAX),
  }
}
