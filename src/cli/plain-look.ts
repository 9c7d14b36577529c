/**
 * The look of output without columns: all that a program reads. Apart from look.ts, because knowing how wide every script
 * is written takes longer to load than most commands take.
 */
import picocolors from 'picocolors'
import type { Look, Value } from './look.ts'
import { safeText } from './safe.ts'
import { relativeTime } from './time.ts'

export interface LookOptions {
  terminal: boolean
  colour: boolean
  width: number
  now: Date
}

/** Should rows be asked of it all the same, their cells stand two spaces apart. */
export function plainLook(options: LookOptions): Look {
  const paint = picocolors.createColors(options.colour)
  return {
    terminal: options.terminal,
    width: options.width,
    now: options.now,
    paint,
    table: (rows) => rows.map((row) => row.join('  ')).join('\n'),
    ago: (iso) => relativeTime(iso, options.now),
    field: (key, value) => `${options.terminal ? paint.dim(`${key}:`) : `${key}:`} ${wireValue(value)}`,
    safe: safeText,
  }
}

function wireValue(value: Value): string {
  if (value === null || value === undefined || value === '') return 'none'
  const text = String(value)
  return /[\u0000-\u001f\u007f-\u009f]/.test(text) ? JSON.stringify(text) : text
}
