/**
 * Operations: every operator verb once (design §8). A *change* is pure: view and input in, changes and output out, so
 * whoever holds the lock does the identical thing. What reads or touches the world is defined in operations/.
 */
import type { Change } from './changes.ts'
import type { Diagnostic } from './diagnostics.ts'
import type { ItemKind, ItemState } from './item.ts'
import type { Plan } from './plan.ts'
import type { Snapshot } from './state.ts'
import type { View } from './view.ts'

/** Assets and config on disk, compiled now: what a reload puts in force. */
export interface FreshPlan {
  modeId: string
  plan: Plan | null
  /** Files the plan needs beside it, by path relative to its folder. */
  frozenTexts: ReadonlyMap<string, string>
  diagnostics: readonly Diagnostic[]
  configVersion: string
  /** Keys that count from the next start only and are not what the runtime was started with. */
  pendingRestart?: readonly string[]
  watcherMode?: Snapshot['watcher_mode']
}

export interface ChangeContext {
  view: View
  /** Random hex digits, for new ids. */
  hex: (digits: number) => string
  /** True if a runtime carries the command out between its stages, false if nothing runs. */
  live: boolean
  /** Who asked for the change, and when (ISO time). */
  issuer: string
  issuedAt: string
  /** Compiles what is on disk. Throws `config_invalid`. */
  compile: () => FreshPlan
}

export interface ChangeOutcome {
  changes: Change[]
  /** What the command answers; kept in its archive. */
  output: Record<string, unknown>
}

/** One mailbox command. Throws a MillraceError to refuse; then nothing changes and the archive says why. */
export type ChangeOperation = (context: ChangeContext, payload: Record<string, unknown>) => ChangeOutcome

/** A command that needs more than the others, loaded when it is first asked for. */
export interface LoadedOperation {
  load: () => Promise<ChangeOperation>
}

/** By mailbox command name. The composition root hands the table to the engine. */
export type CommandTable = Readonly<Record<string, ChangeOperation | LoadedOperation>>

/** What a text can name, so that it can be completed; ids of work items are narrowed by `kinds`, those of runs too by `states`. */
export const NAMED = [
  'work_item',
  'run',
  /** Whatever there is something to say about: a work item, a run, or a plane. */
  'subject',
  /** A spec that is judged as a whole. */
  'root_spec',
  'unreadable_incident',
  /** A question to a person. */
  'approval',
  'plan',
  'mode',
  'loop',
  'model_profile',
  'stage',
  'asset',
  'skill',
  'plane',
  'runner',
  'config_key',
  'topic',
  'event_type',
  /** A rule of `[notify]`. */
  'notify_rule',
  /** A delivery that was given up. */
  'failed_delivery',
  'schema',
  'file',
  'folder',
] as const
export type Named = (typeof NAMED)[number]

/** One input of an operation: the source of its command line option, its help and its JSON Schema. */
export interface InputField {
  /** snake_case; on the command line with dashes. */
  name: string
  type: 'text' | 'integer' | 'number' | 'flag' | 'choice' | 'list'
  description: string
  /** Argument in this position instead of an option. */
  positional?: boolean
  required?: boolean
  choices?: readonly string[]
  default?: string | number | boolean
  /** What stands for the value in help. */
  placeholder?: string
  minimum?: number
  /** What its values name, where the name of the field does not say it. */
  names?: Named
  /** States of the items, or of the runs, that it can name with success. */
  states?: readonly ItemState[]
  /** Kinds of the items that it can name. */
  kinds?: readonly ItemKind[]
}

/**
 * An operator verb. *read* and *perform* are carried out where they are called; a *change* posts its command and is
 * carried out by whoever holds the lock.
 */
export interface Operation<Context, Input = Record<string, unknown>, Output = Record<string, unknown>> {
  /** Words of the canonical spelling, such as `queue add-task`. */
  name: string
  flavour: 'read' | 'change' | 'perform'
  /** One line for lists of commands. */
  summary: string
  /** A paragraph: what it does, what it leaves alone, when it refuses. */
  description: string
  input: readonly InputField[]
  examples: readonly { command: string; does: string }[]
  /**
   * Whether it follows something: its answer comes record by record then, through the context, and what `run` gives is
   * only how that ended. With `--json` every record is a line.
   */
  follows?: (input: Input) => boolean
  /** JSON Schema of what `--json` prints (of each line, if it follows something); imported only when asked for. */
  output: () => Promise<object>
  run: (context: Context, input: Input) => Promise<Output>
}
