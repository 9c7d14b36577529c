/** Compiling a workspace: reads assets and config, and says what to write so that a plan, or its failure, is on record. */

import type { Change } from '../core/changes.ts'
import { compile } from '../core/compile.ts'
import type { Config } from '../core/config.ts'
import type { CompileDiagnostics } from '../core/diagnostics.ts'
import { jsonText } from '../core/json.ts'
import type { FreshPlan } from '../core/operation.ts'
import type { Plan } from '../core/plan.ts'
import { readAssets } from './catalogue.ts'
import { readConfig } from './config-file.ts'
import type { Files } from './files.ts'
import { AT, type Places, planFolder } from './layout.ts'

export interface CompilePorts {
  files: Files
  places: Places
  /** Root of the packaged assets. */
  packageRoot: string
  runners: readonly string[]
  validators: readonly string[]
}

export interface CompileChoice {
  modeId?: string | undefined
  /** `KEY=VALUE` overrides of one command. */
  overrides?: readonly string[]
}

/** Compiles what is on disk now; a workspace without a runtime root compiles the package alone. Throws `config_invalid`. */
export function compileWorkspace(
  ports: CompilePorts,
  choice: CompileChoice,
  now: string,
): FreshPlan & { config: Config } {
  const { config, version } = readConfig(ports.files, ports.places, choice.overrides)
  const assets = readAssets(ports.files, ports.packageRoot, ports.places)
  const compiled = compile({
    assets,
    config,
    modeId: choice.modeId,
    runners: ports.runners,
    validators: ports.validators,
    compiledAt: now,
  })
  return { ...compiled, config, configVersion: version }
}

/** Whether `fresh` is the plan that is in force already. */
export function isCurrent(fresh: FreshPlan, plan: Plan | null): boolean {
  return (
    fresh.plan !== null &&
    plan !== null &&
    fresh.plan.compiled_plan_id === plan.compiled_plan_id &&
    JSON.stringify(fresh.plan.compile_input_fingerprint) === JSON.stringify(plan.compile_input_fingerprint)
  )
}

/** Writes a plan and its diagnostics; on failure only the diagnostics, the last good plan stays (spec 02 §1.8). */
export function planChanges(fresh: FreshPlan, last: Plan | null, now: string): Change[] {
  const plan = fresh.plan
  const diagnostics: CompileDiagnostics = {
    schema_version: '2.0',
    kind: 'compile_diagnostics',
    ok: plan !== null,
    mode_id: fresh.modeId,
    compiled_plan_id: plan?.compiled_plan_id ?? null,
    used_last_known_good: plan === null && last !== null,
    diagnostics: [...fresh.diagnostics],
    emitted_at: now,
  }
  const changes: Change[] = [{ change: 'document.put', path: AT.diagnostics, text: jsonText(diagnostics) }]
  if (plan === null) return changes
  const text = jsonText(plan)
  const folder = planFolder(plan.compiled_plan_id)
  changes.push(
    { change: 'document.put', path: AT.plan, text },
    { change: 'document.put', path: `${folder}/plan.json`, text, once: true },
  )
  for (const [path, content] of fresh.frozenTexts)
    changes.push({ change: 'document.put', path: `${folder}/${path}`, text: content, once: true })
  return changes
}
