/** How output is to look: what a renderer knows about where its text goes. Renderers never ask the process themselves. */
import type picocolors from 'picocolors'
import { type LookOptions, plainLook } from './plain-look.ts'
import { type Column, textTable } from './table.ts'

export type Value = string | number | boolean | null | undefined

export type Paint = Pick<
  ReturnType<typeof picocolors.createColors>,
  'bold' | 'dim' | 'underline' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan' | 'gray'
>

export interface Look {
  /** True for a person at a terminal; false for a program, which gets `key: value` lines without colour. */
  terminal: boolean
  /** Characters per line. */
  width: number
  now: Date
  /** Colours; each gives its text back unchanged where colour is off. */
  paint: Paint
  /** Rows below a heading, in columns; without a line break at the end. */
  table(rows: readonly (readonly string[])[], columns: readonly Column[]): string
  /** How long ago an ISO time was: `5m ago`; `none` for null. */
  ago(iso: string | null | undefined): string
  /** One `key: value` line without line break: null is `none`, a text with line breaks is quoted as JSON. */
  field(key: string, value: Value): string
  /** Text that somebody else wrote, on one line and without anything that steers a terminal. */
  safe(text: string): string
}

export function makeLook(options: LookOptions): Look {
  const plain = plainLook(options)
  return { ...plain, table: (rows, columns) => textTable(rows, columns, options.width, plain.paint.dim) }
}
