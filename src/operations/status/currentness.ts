/**
 * Whether the compiled plan is what the assets and the config on disk would compile to now. The usual answer, *current*,
 * is found by comparing stamps or hashes; only where something changed is the compiler, with its schemas, loaded and asked.
 */
import { MillraceError } from '../../core/errors.ts'
import type { Plan } from '../../core/plan.ts'
import { AT, placesOf } from '../../store/layout.ts'
import { areSourcesUnchanged } from '../../store/plan-sources.ts'
import type { Context } from '../context.ts'

export interface Currentness {
  state: 'current' | 'stale' | 'missing' | 'unknown'
  /** Fingerprint of what would be compiled now; null if there is no plan yet or it does not compile. */
  input: Plan['compile_input_fingerprint'] | null
  /** Why it could not be told. */
  error: string | null
}

export async function currentness(context: Context, plan: Plan | null): Promise<Currentness> {
  if (plan === null) return { state: 'missing', input: null, error: null }
  if (isConfigOlder(context) && areSourcesUnchanged({ ...context, places: placesOf(context.workspaceRoot) }, plan)) {
    return { state: 'current', input: plan.compile_input_fingerprint, error: null }
  }
  const { compileWorkspace, isCurrent } = await import('../../store/plans.ts')
  try {
    const { files, packageRoot, runnerNames: runners, validators } = context
    const ports = { files, places: placesOf(context.workspaceRoot), packageRoot, runners, validators }
    const fresh = compileWorkspace(ports, { modeId: plan.mode_id }, context.clock.now().toISOString())
    if (fresh.plan === null) {
      const [first] = fresh.diagnostics.filter((finding) => finding.severity === 'error')
      return { state: 'unknown', input: null, error: first ? `${first.path}: ${first.message}` : 'does not compile' }
    }
    return {
      state: isCurrent(fresh, plan) ? 'current' : 'stale',
      input: fresh.plan.compile_input_fingerprint,
      error: null,
    }
  } catch (error) {
    if (!MillraceError.is(error)) throw error
    return { state: 'unknown', input: null, error: error.message }
  }
}

/** True if the config was not touched since the plan was written. */
function isConfigOlder({ files, workspaceRoot }: Context): boolean {
  const places = placesOf(workspaceRoot)
  const config = files.stat(places.at(AT.config))
  const plan = files.stat(places.at(AT.plan))
  return plan !== null && (config === null || config.mtimeMs <= plan.mtimeMs)
}
