/** How a stage's permission level answers an agent of the Agent Client Protocol that asks before it acts. */
import * as path from 'node:path'
import type { PermissionLevel } from '../../core/stage.ts'
import { textOf } from '../fields.ts'
import { listOf, type ToolCall } from './tool-calls.ts'

/** What looks at things and changes nothing. */
const HARMLESS: ReadonlySet<string> = new Set(['read', 'search', 'think'])

/** `basic` lets an agent look at anything, and change files whose path it names and which lie in the workspace. */
export function isAllowed(level: PermissionLevel, call: ToolCall, workspaceRoot: string): boolean {
  if (level !== 'basic' || HARMLESS.has(call.kind)) return true
  return call.kind === 'edit' && call.paths.length > 0 && call.paths.every((file) => isInside(file, workspaceRoot))
}

function isInside(file: string, workspaceRoot: string): boolean {
  const relative = path.relative(workspaceRoot, path.resolve(workspaceRoot, file))
  return relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative)
}

/** Kinds of options from the most wanted to the least. `basic` never grants for longer than the one call it looked at. */
const WANTED: Readonly<Record<PermissionLevel, readonly string[]>> = {
  basic: ['allow_once'],
  elevated: ['allow_once', 'allow_always'],
  maximum: ['allow_always', 'allow_once'],
}
const REFUSED = ['reject_once', 'reject_always']

export interface Answer {
  /** Kind of the option, or `cancelled` if there was none to choose. */
  kind: string
  outcome: { outcome: 'selected'; optionId: string } | { outcome: 'cancelled' }
}

export const CANCELLED: Answer = { kind: 'cancelled', outcome: { outcome: 'cancelled' } }

/** Chooses among the options an agent offers, by their kind: their ids differ from agent to agent. */
export function answerTo(isAllowed: boolean, level: PermissionLevel, options: unknown): Answer {
  const offered = listOf(options)
  for (const kind of [...(isAllowed ? WANTED[level] : []), ...REFUSED]) {
    const optionId = textOf(offered.find((option) => option.kind === kind)?.optionId)
    if (optionId !== null) return { kind, outcome: { outcome: 'selected', optionId } }
  }
  return CANCELLED
}
