/** Comparing plans: frozen ones with each other, or with what would be compiled now. */
import { MillraceError } from '../../core/errors.ts'
import { idsMeant, requireOneMeant } from '../../core/ids.ts'
import { didYouMean, nearest } from '../../core/nearest.ts'
import type { Operation } from '../../core/operation.ts'
import type { Plan } from '../../core/plan.ts'
import { planDiff } from '../../core/plan-diff.ts'
import type { View } from '../../core/view.ts'
import { compileFailed } from '../../engine/compile-fresh.ts'
import { AT } from '../../store/layout.ts'
import { type Context, placesIn } from '../context.ts'
import { modeField } from '../fields.ts'
import { reading } from '../reading.ts'
import type { CompileDiffOutput } from '../schemas/plan-diff.ts'
import { compileHere } from './compiling.ts'

interface DiffInput {
  before?: string
  after?: string
  mode?: string
}

export const diff: Operation<Context, DiffInput, CompileDiffOutput> = {
  name: 'compile diff',
  flavour: 'read',
  summary: 'What differs between two plans.',
  description:
    'Compares two plans: entries, nodes with their bindings and where those came from, edges, budgets, resume rules, terminal states, completion, limits, prompts and skills. Without arguments: the plan in force and what would be compiled now, which is what a reload would change. With one: that plan and what would be compiled now. Writes nothing.',
  input: [
    {
      name: 'before',
      type: 'text',
      positional: true,
      placeholder: 'A',
      description: 'Plan id, or a unique start of it (default: the plan in force).',
    },
    {
      name: 'after',
      type: 'text',
      positional: true,
      placeholder: 'B',
      description: 'The other plan (default: what would be compiled now).',
    },
    modeField,
  ],
  examples: [
    { command: 'millrace compile diff', does: 'see what a reload of the config would change' },
    { command: 'millrace compile diff plan-default_codex-4f plan-default_codex-a1', does: 'compare two frozen plans' },
  ],
  output: async () => (await import('../schemas.ts')).compileDiffSchema(),
  async run(context, { before, after, mode }) {
    if (after !== undefined && mode !== undefined) {
      throw new MillraceError('usage', '`millrace compile diff` takes B or --mode, not both.', {
        hint: '--mode says what to compile now, in place of B',
      })
    }
    return reading(context, (view) => {
      const one = before === undefined ? inForce(view) : findPlan(context, view, before)
      const other = after === undefined ? compiledNow(context, mode) : findPlan(context, view, after)
      const changes = planDiff(one, other)
      return {
        before: sideOf(one, before === undefined ? 'in_force' : 'frozen'),
        after: sideOf(other, after === undefined ? 'compiled_now' : 'frozen'),
        same: changes.length === 0,
        changes,
      }
    })
  },
}

const sideOf = (plan: Plan, source: CompileDiffOutput['before']['source']): CompileDiffOutput['before'] => ({
  compiled_plan_id: plan.compiled_plan_id,
  mode_id: plan.mode_id,
  compiled_at: plan.compiled_at,
  source,
})

function inForce({ plan }: View): Plan {
  if (plan !== null) return plan
  throw new MillraceError('plan_unknown', 'No plan is in force yet: nothing was compiled here.', {
    hint: 'compile one with `millrace compile validate`',
  })
}

function compiledNow(context: Context, mode: string | undefined): Plan {
  const fresh = compileHere(context, mode)
  if (fresh.plan === null) throw compileFailed(fresh)
  return fresh.plan
}

/** Throws `plan_unknown`, and `item_ambiguous` for a start that several share. */
function findPlan(context: Context, view: View, given: string): Plan {
  const ids = [
    ...new Set([
      ...(view.plan === null ? [] : [view.plan.compiled_plan_id]),
      ...(context.files.list(placesIn(context).at(AT.plans)) ?? []).filter((name) => !name.startsWith('.')).sort(),
    ]),
  ]
  const found = idsMeant(given, ids, 'plan-')
  requireOneMeant(given, found, 'plans')
  const plan = found[0] === undefined ? null : view.planOf(found[0])
  if (plan !== null) return plan
  if (found[0] !== undefined) throw new MillraceError('plan_unknown', `The plan ${found[0]} cannot be read.`)
  const near = nearest(given, ids)
  throw new MillraceError('plan_unknown', `There is no plan ${JSON.stringify(given.slice(0, 80))}.`, {
    hint: didYouMean(near, ids.length === 0 ? 'none is frozen yet' : `there are: ${shown(ids)}`),
  })
}

const NAMED_MAX = 8
const shown = (ids: readonly string[]): string =>
  `${ids.slice(0, NAMED_MAX).join(', ')}${ids.length > NAMED_MAX ? `, and ${ids.length - NAMED_MAX} more` : ''}`
