/** JSON Schemas: of what every command prints with --json, and of every document on disk that has a schema of its own. */
import * as z from 'zod'
import { Config } from '../src/core/config.ts'
import { CompileDiagnostics } from '../src/core/diagnostics.ts'
import { DOCUMENT_KINDS } from '../src/core/document.ts'
import { documentJsonSchema } from '../src/core/document-schema.ts'
import { RuntimeEvent } from '../src/core/events.ts'
import { Loop } from '../src/core/loop.ts'
import { Mode, ModeAliases } from '../src/core/mode.ts'
import { Plan } from '../src/core/plan.ts'
import { QueueOrder } from '../src/core/queue-order.ts'
import { StageRequest } from '../src/core/request.ts'
import { StageResult, TerminalResult } from '../src/core/result.ts'
import { StageKind } from '../src/core/stage.ts'
import { ClosureTarget, Counters, Snapshot } from '../src/core/state.ts'
import { Verdict } from '../src/core/verdict.ts'
import { failureSchema, helpSchema, statusWatchSchema } from '../src/operations/schemas.ts'
import { OPERATIONS } from '../src/operations/table.ts'
import { code, page, table } from './markdown.ts'

/** Documents of a workspace, and where they lie below its runtime root. */
const ON_DISK: Readonly<Record<string, { schema: z.ZodType; at: string }>> = {
  config: { schema: Config, at: 'millrace.toml' },
  mode: { schema: Mode, at: 'modes/<mode id>.json' },
  'mode-aliases': { schema: ModeAliases, at: 'modes/aliases.json' },
  loop: { schema: Loop, at: 'graphs/<plane>/<name>.json' },
  'stage-kind': { schema: StageKind, at: 'registry/stage_kinds/<plane>/<id>.json' },
  snapshot: { schema: Snapshot, at: 'state/runtime_snapshot.json' },
  counters: { schema: Counters, at: 'state/recovery_counters.json' },
  'queue-order': { schema: QueueOrder, at: 'state/queue_order.json' },
  plan: { schema: Plan, at: 'state/compiled_plan.json, state/plans/<plan id>/' },
  'compile-diagnostics': { schema: CompileDiagnostics, at: 'state/compile_diagnostics.json' },
  'stage-request': { schema: StageRequest, at: 'runs/<run id>/' },
  'stage-result': { schema: StageResult, at: 'runs/<run id>/stage_results/' },
  'terminal-result': { schema: TerminalResult, at: 'runs/<run id>/runner_terminal_result.<request id>.json' },
  'closure-target': { schema: ClosureTarget, at: 'arbiter/targets/<root spec id>.json' },
  verdict: { schema: Verdict, at: 'arbiter/verdicts/' },
  'runtime-event': { schema: RuntimeEvent, at: 'logs/runtime_events.jsonl, one a line' },
}

/** Files below docs/reference, `schemas/README.md` among them. */
export async function schemaPages(): Promise<Map<string, string>> {
  const pages = new Map<string, string>()
  const add = (folder: string, name: string, schema: object): string => {
    const file = `${folder}/${name.replaceAll(' ', '-')}.json`
    pages.set(`schemas/${file}`, `${JSON.stringify(schema, null, 2)}\n`)
    return `[${code(name)}](${file})`
  }
  // What is written there, before defaults are filled in.
  const stored = Object.entries(ON_DISK).map(([name, { schema, at }]) => [
    add('documents', name, z.toJSONSchema(schema, { io: 'input' })),
    code(at),
  ])
  const work = DOCUMENT_KINDS.map((kind) => add('documents', kind, documentJsonSchema(kind)))
  const answers: string[] = []
  for (const { name, load } of OPERATIONS) answers.push(add('answers', name, await (await load()).output()))
  answers.push(add('answers', 'status watch', statusWatchSchema()))
  answers.push(add('answers', 'error', failureSchema()), add('answers', 'help', helpSchema()))
  pages.set(
    'schemas/README.md',
    page(
      'JSON Schemas',
      'Draft 2020-12. Closed: no member that is not named, each required unless it says otherwise.',
      '## What commands print with --json',
      'Of each line, where a command follows something. `millrace schema VERB` prints the same. `error` is what any command prints where it fails, `help` what `--help --json` gives.',
      answers.map((link) => `- ${link}`).join('\n'),
      '## Work documents',
      'The JSON form of the Markdown documents (`millrace schema document.task`).',
      work.map((link) => `- ${link}`).join('\n'),
      '## Documents on disk',
      'Below `millrace-agents/`.',
      table(['schema', 'where'], stored),
    ),
  )
  return pages
}
