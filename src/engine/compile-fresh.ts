/** Compiling what is on disk now, and the refusal to go on with what does not compile. */
import type { Config } from '../core/config.ts'
import { describeDiagnostic } from '../core/diagnostics.ts'
import { MillraceError } from '../core/errors.ts'
import type { FreshPlan } from '../core/operation.ts'
import { compileWorkspace } from '../store/plans.ts'
import type { Workspace } from '../store/workspace.ts'
import type { EngineOptions, EnginePorts } from './engine.ts'

export function compileFresh(
  ports: EnginePorts,
  workspace: Workspace,
  options: EngineOptions,
): FreshPlan & { config: Config } {
  return compileWorkspace(
    {
      files: ports.files,
      places: workspace.places,
      packageRoot: ports.packageRoot,
      runners: ports.runnerNames,
      validators: ports.validators,
    },
    { modeId: options.modeId, overrides: options.overrides ?? [] },
    ports.clock.now().toISOString(),
  )
}

/** The refusal to start, or to reload, on assets that do not compile. */
export function compileFailed(fresh: FreshPlan): MillraceError {
  const errors = fresh.diagnostics.filter((finding) => finding.severity === 'error')
  const more = errors.length > 3 ? ` (and ${errors.length - 3} more)` : ''
  return new MillraceError(
    'compile_failed',
    `Mode ${fresh.modeId} does not compile: ${errors.slice(0, 3).map(describeDiagnostic).join('; ')}${more}.`,
    {
      hint: 'see all findings with `millrace compile validate`',
    },
  )
}
