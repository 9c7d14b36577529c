/** One line of a JSON-lines file, as events, histories and harnesses write them: an object, or it counts as no record. */

/**
 * The object in a line; null if it holds none. A line that cannot be an object is not parsed: a failure takes a hundred
 * times as long as a success, and a flood of lines that are none must not hold up whoever follows a log.
 */
export function objectInLine(line: string): Record<string, unknown> | null {
  const trimmed = line.trim()
  if (!trimmed.startsWith('{') || !trimmed.endsWith('}')) return null
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return null
  }
}
