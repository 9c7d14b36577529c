/** Coded, located findings of the compiler. A compile reports all it can see, not just the first. */
import * as z from 'zod'
import { clip } from './clip.ts'

export const DIAGNOSTIC_CODES = {
  MODE_UNKNOWN: 'No mode of that id is shipped or in the workspace.',
  ASSET_BAD_JSON: 'The file is not valid JSON.',
  ASSET_INVALID: 'The file does not follow the schema of its family.',
  ASSET_UNREADABLE: 'An entrypoint or required skill that the plan needs is missing.',
  ASSET_DUPLICATE: 'Two files declare the same id.',
  MODE_LOOP_MISSING: 'The mode selects no loop for a plane it must serve.',
  MODE_STAGE_OUTSIDE_LOOPS: 'A stage map of the mode names a stage that its loops do not use.',
  MODE_CLAIM_ORDER: 'The claim order names a plane or kind that the loops cannot take.',
  MODEL_PROFILE_UNKNOWN: 'The mode or the config names a model profile that does not exist.',
  LOOP_UNKNOWN: 'The mode names a loop that does not exist.',
  LOOP_PLANE_MISMATCH: 'A loop serves another plane than the mode puts it on.',
  LOOP_DUPLICATE: 'An id is used twice within a loop.',
  LOOP_DANGLING_REF: 'A loop refers to a node, terminal state or policy that it does not define.',
  LOOP_UNREACHABLE_NODE: 'No entry, edge or policy leads to the node.',
  LOOP_MISSING_EDGE: 'A legal outcome of a node leads nowhere.',
  LOOP_NO_END: 'From the node no terminal state can be reached.',
  LOOP_AMBIGUOUS_EDGE: 'Two edges of the same priority claim the same outcome of a node.',
  EDGE_TARGET_SHAPE: 'An edge or policy must have exactly one target, and only retry edges have max_attempts.',
  EDGE_ILLEGAL_OUTCOME: 'An edge or policy uses an outcome that its source stage kind cannot report.',
  ENTRY_NOT_STARTABLE: 'The stage kind of an entry does not declare that it can start that kind of work.',
  NODE_UNKNOWN_STAGE_KIND: 'A node names a stage kind that does not exist.',
  NODE_PLANE_MISMATCH: 'A node uses a stage kind of another plane.',
  NODE_OVERRIDE_NOT_ALLOWED: 'A node, mode or config overrides what the stage kind does not allow.',
  STAGE_KIND_INCONSISTENT: 'A stage kind contradicts itself.',
  COMPLETION_NOT_CLOSURE_STAGE: 'The completion target is no closure stage.',
  COMPLETION_PASS_EQUALS_GAP: 'Pass and gap of the completion behaviour lead to the same terminal state.',
  RUNNER_UNKNOWN: 'A node is bound to a runner that this version does not know.',
  RUNNER_NAME_TAKEN: 'The config gives a module the name of a runner of this version.',
  PERMISSION_NOT_HONOURED: 'A node would run at a permission level that its runner cannot be held to.',
  SESSION_NOT_CONTINUED: 'A node goes on with the session of another one, which its runner cannot do.',
  CONFIG_STAGE_UNKNOWN: 'The config has a section for a stage kind that the mode does not use.',
  VALIDATOR_UNKNOWN:
    'A stage kind or loop names a validator, performer, context block or resolver that is not registered.',
  CAPABILITY_DENIED: 'A stage requires what the config denies.',
  CAPABILITY_NOT_ENFORCED: 'A stage requires what is allowed but not enforced, and the config does not accept that.',
  APPROVAL_DENIED_OUTCOME: 'What a denial counts as leads nowhere, or back to the same question.',
  SKILL_MISSING: 'An attached skill does not exist yet.',
} as const

export type DiagnosticCode = keyof typeof DIAGNOSTIC_CODES

export const Diagnostic = z.strictObject({
  code: z.string().describe('One of the documented codes.'),
  severity: z.enum(['error', 'warning']),
  path: z.string().describe('Asset file, relative to the assets root, or the config file.'),
  at: z.string().nullable().describe('Place within the file: a JSON path, or line and column.'),
  message: z.string().describe('What is wrong, and how to mend it.'),
})
export type Diagnostic = z.infer<typeof Diagnostic>

export const CompileDiagnostics = z.strictObject({
  schema_version: z.literal('2.0'),
  kind: z.literal('compile_diagnostics'),
  ok: z.boolean(),
  mode_id: z.string(),
  compiled_plan_id: z.string().nullable(),
  used_last_known_good: z.boolean(),
  diagnostics: z.array(Diagnostic),
  emitted_at: z.string(),
})
export type CompileDiagnostics = z.infer<typeof CompileDiagnostics>

/** A name in an asset may be as long as the file. */
const AT_CHARS_MAX = 300
const MESSAGE_CHARS_MAX = 4000

/** Collects findings under the name of one file. */
export class Findings {
  readonly all: Diagnostic[] = []

  error(code: DiagnosticCode, path: string, at: string | null, message: string): void {
    this.tell('error', code, path, at, message)
  }

  warn(code: DiagnosticCode, path: string, at: string | null, message: string): void {
    this.tell('warning', code, path, at, message)
  }

  private tell(
    severity: Diagnostic['severity'],
    code: DiagnosticCode,
    path: string,
    at: string | null,
    message: string,
  ): void {
    this.all.push({ code, severity, path, at: at && clip(at, AT_CHARS_MAX), message: clip(message, MESSAGE_CHARS_MAX) })
  }

  get failed(): boolean {
    return this.all.some((finding) => finding.severity === 'error')
  }
}

export function describeDiagnostic(finding: Diagnostic): string {
  return `${finding.code} ${finding.path}${finding.at ? ` (${finding.at})` : ''}: ${finding.message}`
}
