/** Inputs that several verbs take, so that they are named, read and completed alike. */
import { ITEM_KINDS } from '../core/item.ts'
import type { InputField } from '../core/operation.ts'

/** Of a listing: `limitedTo` cuts it. */
export const limitField = (rows: number): InputField => ({
  name: 'limit',
  type: 'integer',
  minimum: 0,
  default: rows,
  placeholder: 'N',
  description: 'At most so many; 0 for all.',
})

/** The first rows of a listing; all of them where the limit is 0. */
export const limitedTo = <T>(limit: number, rows: readonly T[]): readonly T[] =>
  limit === 0 ? rows : rows.slice(0, limit)

export const kindField: InputField = {
  name: 'kind',
  type: 'choice',
  choices: ITEM_KINDS,
  placeholder: 'KIND',
  description: 'Its kind, where the id is used by several.',
}

/** The item a verb is about. `taken`: in which states, and of which kinds; any, where it does not say. */
export const itemField = (description: string, taken: Taken = {}, placeholder = 'ID'): InputField => ({
  name: 'work_item_id',
  type: 'text',
  positional: true,
  required: true,
  placeholder,
  description,
  ...taken,
})

type Taken = Pick<InputField, 'states' | 'kinds'>

/** A root spec, by its id. */
export const rootSpecField = (description: string): InputField => ({
  name: 'root_spec_id',
  type: 'text',
  placeholder: 'ID',
  description,
})

export const runField: InputField = {
  name: 'run_id',
  type: 'text',
  positional: true,
  required: true,
  placeholder: 'RUN',
  description: 'Run id, or a unique start of it.',
}

export const modeField: InputField = {
  name: 'mode',
  type: 'text',
  placeholder: 'ID',
  description: 'Mode to compile instead of runtime.default_mode.',
}

/** `fallback` stands in the record where no reason is given; null: one must be. */
export const reasonField = (fallback: string | null): InputField => ({
  name: 'reason',
  type: 'text',
  placeholder: 'TEXT',
  description: 'Why; kept in the record.',
  ...(fallback === null ? { required: true } : { default: fallback }),
})
