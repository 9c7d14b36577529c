/**
 * Operations: every operator verb once (design §8). A *change* is pure: view and input in, changes and output out, so
 * whoever holds the lock does the identical thing. What reads or touches the world is defined in operations/.
 */
import type { Change } from './changes.ts'
import type { Diagnostic } from './diagnostics.ts'
import type { Plan } from './plan.ts'
import type { View } from './view.ts'

/** Assets and config on disk, compiled now: what a reload puts in force. */
export interface FreshPlan {
  modeId: string
  plan: Plan | null
  /** Files the plan needs beside it, by path relative to its folder. */
  frozenTexts: ReadonlyMap<string, string>
  diagnostics: readonly Diagnostic[]
  configVersion: string
}

export interface ChangeContext {
  view: View
  /** Random hex digits, for new ids. */
  hex: (digits: number) => string
  /** True if a runtime carries the command out between its stages, false if nothing runs. */
  live: boolean
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

/** By mailbox command name. The composition root hands the table to the engine. */
export type CommandTable = Readonly<Record<string, ChangeOperation>>
