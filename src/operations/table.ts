/**
 * The operations table: every operator verb, once. Surfaces project it; a verb's module is loaded only when it is
 * used, so that `status` stays as quick as bare Node.
 */
import type { Operation } from '../core/operation.ts'
import type { Context } from './context.ts'

// biome-ignore lint/suspicious/noExplicitAny: inputs differ from verb to verb; each is checked against its own fields.
export type AnyOperation = Operation<Context, any, any>

export interface TableEntry {
  /** Canonical spelling. */
  name: string
  summary: string
  load: () => Promise<AnyOperation>
}

const control = () => import('./control.ts')
const queue = () => import('./queue.ts')
const queueAdd = () => import('./queue-add.ts')
const runs = () => import('./runs.ts')
const plan = () => import('./plan.ts')
const config = () => import('./config.ts')
const run = () => import('./run.ts')
const rescue = () => import('./rescue.ts')

export const OPERATIONS: readonly TableEntry[] = [
  { name: 'init', summary: 'Make a workspace.', load: async () => (await import('./workspace.ts')).init },
  {
    name: 'demo',
    summary: 'Watch one spec go through the whole runtime, on a small sample project.',
    load: async () => (await import('./demo.ts')).demo,
  },
  {
    name: 'selftest crash',
    summary: 'Crash the runtime on this file system, and see that nothing is lost.',
    load: async () => (await import('./selftest.ts')).selftestCrash,
  },
  {
    name: 'status',
    summary: 'What is going on, and what stands in the way.',
    load: async () => (await import('./status.ts')).status,
  },
  { name: 'queue ls', summary: 'What is queued, active and blocked.', load: async () => (await queue()).ls },
  { name: 'queue show', summary: 'One work item in full.', load: async () => (await queue()).show },
  { name: 'queue add-task', summary: 'Queue a task.', load: async () => (await queueAdd()).addTask },
  {
    name: 'queue add-spec',
    summary: 'Queue a spec, to be planned into tasks.',
    load: async () => (await queueAdd()).addSpec,
  },
  { name: 'queue add-idea', summary: 'Drop an idea, to become a spec.', load: async () => (await queueAdd()).addIdea },
  { name: 'queue retry', summary: 'Put a blocked item back into its queue.', load: async () => (await queue()).retry },
  {
    name: 'queue cancel',
    summary: 'Take an item out of its queue for good.',
    load: async () => (await queue()).cancel,
  },
  {
    name: 'run once',
    summary: 'Run one stage, or find that there is nothing to do.',
    load: async () => (await run()).runOnce,
  },
  { name: 'run daemon', summary: 'Run in the foreground until stopped.', load: async () => (await run()).runDaemon },
  { name: 'runs ls', summary: 'Runs, newest first.', load: async () => (await runs()).ls },
  {
    name: 'runs show',
    summary: 'One run: its stages, times, tokens and artifacts.',
    load: async () => (await runs()).show,
  },
  { name: 'runs trace', summary: 'The path one run took, edge by edge.', load: async () => (await runs()).trace },
  { name: 'runs tail', summary: 'The last report of a run.', load: async () => (await runs()).tail },
  {
    name: 'runs follow',
    summary: 'What the agent of a run does now, until the run ends.',
    load: async () => (await runs()).follow,
  },
  {
    name: 'rescue list',
    summary: 'Working trees kept before each stage.',
    load: async () => (await rescue()).list,
  },
  {
    name: 'rescue show',
    summary: 'How the working tree differs from a kept one, or one kept file.',
    load: async () => (await rescue()).show,
  },
  { name: 'rescue restore', summary: 'Bring files of a kept tree back.', load: async () => (await rescue()).restore },
  {
    name: 'control pause',
    summary: 'Start nothing new; running stages go on.',
    load: async () => (await control()).pause,
  },
  {
    name: 'control resume',
    summary: 'Clear the operator pause and go on.',
    load: async () => (await control()).resume,
  },
  {
    name: 'control stop',
    summary: 'End the runtime; active runs are taken up at the next start.',
    load: async () => (await control()).stop,
  },
  { name: 'control cancel', summary: 'End one run and block its item.', load: async () => (await control()).cancel },
  {
    name: 'control retry-active',
    summary: 'Put the active item back into its queue and start over.',
    load: async () => (await control()).retryActive,
  },
  {
    name: 'control clear-stale-state',
    summary: 'Take over a dead lock and put held runs back to ready.',
    load: async () => (await control()).clearStaleState,
  },
  {
    name: 'control reload-config',
    summary: 'Read millrace.toml again and compile; new runs use the new plan.',
    load: async () => (await control()).reloadConfig,
  },
  {
    name: 'planning retry-active',
    summary: 'Start the active planning item over.',
    load: async () => (await control()).planningRetryActive,
  },
  {
    name: 'compile validate',
    summary: 'Compile the mode and say what is wrong with it.',
    load: async () => (await plan()).validate,
  },
  {
    name: 'compile show',
    summary: 'The compiled plan: nodes, edges, budgets, and where each value came from.',
    load: async () => (await plan()).show,
  },
  {
    name: 'compile graph',
    summary: 'The loops of the plan as text, JSON or Mermaid.',
    load: async () => (await plan()).graph,
  },
  { name: 'modes list', summary: 'Modes there are.', load: async () => (await plan()).modesList },
  { name: 'modes show', summary: 'One mode: loops and bindings.', load: async () => (await plan()).modesShow },
  {
    name: 'config show',
    summary: 'Config in force, with where each value came from.',
    load: async () => (await config()).show,
  },
  { name: 'config validate', summary: 'Check millrace.toml and compile.', load: async () => (await config()).validate },
  {
    name: 'doctor',
    summary: 'Examine the workspace and say how to mend what is wrong.',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  {
    name: 'docs',
    summary: 'The documents that come with Millrace.',
    load: async () => (await import('./docs.ts')).docs,
  },
  {
    name: 'completion',
    summary: 'Let your shell complete verbs, options, ids and files.',
    load: async () => (await import('./completion.ts')).completion,
  },
  {
    name: 'schema',
    summary: 'JSON Schema of what a command prints with --json.',
    load: async () => (await import('./schema.ts')).schema,
  },
  { name: 'version', summary: 'Name and version.', load: async () => (await import('./version.ts')).version },
]
