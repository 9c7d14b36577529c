/** Plans and modes: checking that a mode compiles, and showing what it compiles to. */

import { MillraceError } from '../../core/errors.ts'
import { graphJson, graphMermaid, graphText } from '../../core/graph.ts'
import { didYouMean, nearest } from '../../core/nearest.ts'
import type { FreshPlan, Operation } from '../../core/operation.ts'
import type { Plan } from '../../core/plan.ts'
import { compileFailed } from '../../engine/compile-fresh.ts'
import { manifestIfReadable } from '../../store/baseline.ts'
import { isCurrent, planChanges } from '../../store/plans.ts'
import { Workspace } from '../../store/workspace.ts'
import { type Context, placesIn } from '../context.ts'
import { modeField } from '../fields.ts'
import { reading } from '../reading.ts'
import type { CompileShowOutput, CompileValidateOutput } from '../schemas/plan.ts'
import { ensureWorkspace } from '../workspace/ensure.ts'
import { compileHere, validation } from './compiling.ts'

export const validate: Operation<Context, { mode?: string }, CompileValidateOutput> = {
  name: 'compile validate',
  flavour: 'perform',
  summary: 'Compile the mode and say what is wrong with it.',
  description:
    'Compiles config and assets, reports every finding, and writes plan and diagnostics to state/. If a runtime owns the workspace it compiles in memory only and says so. A mode that does not compile leaves the last good plan in place.',
  input: [modeField],
  examples: [
    { command: 'millrace compile validate', does: 'check the mode in force' },
    { command: 'millrace compile validate --mode my_mode', does: 'check another one' },
  ],
  output: async () => (await import('../schemas.ts')).compileValidateSchema(),
  async run(context, input) {
    await ensureWorkspace(context)
    const fresh = compileHere(context, input.mode)
    const last = reading(context, (view) => view.plan)
    return validation(fresh, last, await write(context, fresh))
  },
}

/** Writes plan and diagnostics if nobody else owns the workspace; says whether it did. */
async function write(context: Context, fresh: FreshPlan): Promise<boolean> {
  let workspace: Workspace
  try {
    const onFatal = (error: MillraceError): never => {
      throw error
    }
    workspace = await Workspace.open(context, context.workspaceRoot, { onFatal })
  } catch (error) {
    if (!MillraceError.is(error) || error.code !== 'lock_held') throw error
    context.notice(`compiled in memory only, nothing was written: ${error.message}`)
    return false
  }
  try {
    const { plan, now } = workspace.view()
    await workspace.commit(planChanges(fresh, plan, now))
  } finally {
    await workspace.close()
  }
  return true
}

export const show: Operation<Context, { mode?: string }, CompileShowOutput> = {
  name: 'compile show',
  flavour: 'read',
  summary: 'The compiled plan: nodes, edges, budgets, and where each value came from.',
  description:
    'Compiles in memory and shows the plan: entries, every node with its bindings and their origins, edges, budgets, resume rules, terminal states, completion. Writes nothing.',
  input: [modeField],
  examples: [{ command: 'millrace compile show', does: 'see which runner and model each stage gets, and why' }],
  output: async () => (await import('../schemas.ts')).compileShowSchema(),
  async run(context, input) {
    const fresh = compileHere(context, input.mode)
    return reading(context, (view, files) => {
      const baseline = manifestIfReadable(files, placesIn(context))
      const persisted = view.plan?.compile_input_fingerprint
      return {
        ...validation(fresh, view.plan, false),
        compiled_plan_currentness: currentnessOf(fresh, view.plan),
        baseline_manifest_id: baseline?.manifest_id ?? null,
        baseline_seed_package_version: baseline?.seed_package_version ?? null,
        'persisted_compile_input.mode_id': persisted?.mode_id ?? null,
        'persisted_compile_input.config_fingerprint': persisted?.config_fingerprint ?? null,
        'persisted_compile_input.assets_fingerprint': persisted?.assets_fingerprint ?? null,
        plan: withoutTexts(fresh.plan ?? view.plan),
      }
    })
  },
}

function currentnessOf(fresh: FreshPlan, last: Plan | null): CompileShowOutput['compiled_plan_currentness'] {
  if (last === null) return 'missing'
  if (fresh.plan === null) return 'unknown'
  return isCurrent(fresh, last) ? 'current' : 'stale'
}

function withoutTexts(plan: Plan | null): CompileShowOutput['plan'] {
  if (plan === null) return null
  const { entrypoint_texts: _, ...rest } = plan
  return rest
}

/** The array is the JSON form; what is printed as text travels beside it and is not part of the JSON. */
export type CompileGraphOutput = object[] & { format: GraphFormat; text: string }
type GraphFormat = (typeof GRAPH_FORMATS)[number]
const GRAPH_FORMATS = ['text', 'json', 'mermaid'] as const

export const graph: Operation<Context, { mode?: string; plane?: string; format?: GraphFormat }, CompileGraphOutput> = {
  name: 'compile graph',
  flavour: 'read',
  summary: 'The loops of the plan as text, JSON or Mermaid.',
  description:
    'Draws the loops of the plan: nodes, edges by outcome, budgets, resume rules and terminal states. Compiles in memory, writes nothing.',
  input: [
    modeField,
    { name: 'plane', type: 'text', placeholder: 'PLANE', description: 'Only the loop of this lane.' },
    {
      name: 'format',
      type: 'choice',
      choices: GRAPH_FORMATS,
      default: 'text',
      placeholder: 'FORM',
      description: 'How it is written.',
    },
  ],
  examples: [
    { command: 'millrace compile graph --plane execution', does: 'see one loop' },
    { command: 'millrace compile graph --format mermaid', does: 'draw them all' },
  ],
  output: async () => (await import('../schemas.ts')).compileGraphSchema(),
  async run(context, { mode: modeId, plane, format = 'text' }) {
    const fresh = compileHere(context, modeId)
    const last = reading(context, (view) => view.plan)
    const plan = fresh.plan ?? last
    if (plan === null) throw compileFailed(fresh)
    if (fresh.plan === null) context.notice(`${compileFailed(fresh).message} This is the last good plan.`)
    if (plane !== undefined && plan.graphs_by_plane[plane] === undefined) throw unknownPlane(plane, plan)
    const graphs = graphJson(plan, plane)
    const text = {
      text: () => graphText(plan, plane),
      mermaid: () => graphMermaid(plan, plane),
      json: () => JSON.stringify(graphs, null, 2),
    }[format]()
    return Object.assign(graphs, { format, text })
  },
}

function unknownPlane(plane: string, plan: Plan): MillraceError {
  const planes = Object.keys(plan.graphs_by_plane)
  const near = nearest(plane, planes)
  return new MillraceError('usage', `The plan has no lane ${plane}.`, {
    hint: didYouMean(near, `it has: ${planes.join(', ')}`),
  })
}
