/** Compiling what is on disk for those who look at it, and the facts every answer about a plan begins with. */
import { describeDiagnostic } from '../../core/diagnostics.ts'
import type { FreshPlan } from '../../core/operation.ts'
import type { Plan } from '../../core/plan.ts'
import { compileWorkspace } from '../../store/plans.ts'
import { type Context, placesIn } from '../context.ts'
import type { CompileValidateOutput } from '../schemas/plan.ts'

/** Compiles in memory. Throws `config_invalid`. */
export function compileHere(context: Context, modeId?: string): FreshPlan {
  const { files, packageRoot, runnerNames: runners, validators, overrides } = context
  const ports = { files, places: placesIn(context), packageRoot, runners, validators }
  return compileWorkspace(ports, { modeId, overrides }, context.clock.now().toISOString())
}

/** `last` is the plan on disk. */
export function validation(fresh: FreshPlan, last: Plan | null, written: boolean): CompileValidateOutput {
  const sentences = (severity: 'error' | 'warning') =>
    fresh.diagnostics.filter((finding) => finding.severity === severity).map(describeDiagnostic)
  const input = fresh.plan?.compile_input_fingerprint
  return {
    ok: fresh.plan !== null,
    mode_id: fresh.modeId,
    used_last_known_good: fresh.plan === null && last !== null,
    'compile_input.mode_id': input?.mode_id ?? null,
    'compile_input.config_fingerprint': input?.config_fingerprint ?? null,
    'compile_input.assets_fingerprint': input?.assets_fingerprint ?? null,
    warnings: sentences('warning'),
    errors: sentences('error'),
    compiled_plan_id: fresh.plan?.compiled_plan_id ?? null,
    written,
    diagnostics: [...fresh.diagnostics],
  }
}
