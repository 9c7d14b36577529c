/** How plans and modes read. */
import type { CompileGraphOutput } from '../../operations/plan/plan.ts'
import type {
  CompileShowOutput,
  CompileValidateOutput,
  ModesLsOutput,
  ModesShowOutput,
} from '../../operations/schemas/plan.ts'
import type { Look } from '../look.ts'
import { planBlocks, planLines } from './plan-lines.ts'

export function validate(output: CompileValidateOutput, look: Look): string {
  return look.terminal ? verdict(output, look) : validation(output, look).join('\n')
}

function validation(output: CompileValidateOutput, look: Look): string[] {
  return [
    look.field('ok', output.ok),
    look.field('mode_id', output.mode_id),
    look.field('used_last_known_good', output.used_last_known_good),
    ...compileInput(output, look),
    ...output.warnings.map((one) => look.field('warning', one)),
    ...output.errors.map((one) => look.field('error', one)),
  ]
}

const compileInput = (output: CompileValidateOutput, look: Look): string[] => [
  look.field('compile_input.mode_id', output['compile_input.mode_id']),
  look.field('compile_input.config_fingerprint', output['compile_input.config_fingerprint']),
  look.field('compile_input.assets_fingerprint', output['compile_input.assets_fingerprint']),
]

function verdict(output: CompileValidateOutput, look: Look): string {
  const { paint } = look
  const kept = output.used_last_known_good ? '; the last good plan stays in force' : ''
  const head = output.ok
    ? `${paint.green('✓')} mode ${paint.bold(output.mode_id)} compiles to ${output.compiled_plan_id}`
    : `${paint.red('✗')} mode ${paint.bold(output.mode_id)} does not compile${kept}`
  const findings = output.diagnostics.map((finding) => {
    const colour = finding.severity === 'error' ? paint.red : paint.yellow
    const place = `${finding.path}${finding.at === null ? '' : ` (${finding.at})`}`
    return `${colour(finding.severity)} ${paint.bold(finding.code)} ${paint.dim(look.safe(place))}\n  ${look.safe(finding.message)}`
  })
  return [head, ...findings].join('\n')
}

export function show(output: CompileShowOutput, look: Look): string {
  const { plan } = output
  if (look.terminal) {
    return plan === null ? verdict(output, look) : [verdict(output, look), planBlocks(plan, look)].join('\n\n')
  }
  if (plan === null) return validation(output, look).join('\n')
  return [
    ...validation(output, look),
    look.field('compiled_plan_currentness', output.compiled_plan_currentness),
    look.field('compiled_plan_id', plan.compiled_plan_id),
    ...Object.entries(plan.loop_ids_by_plane).map(([plane, loop]) => look.field(`${plane}_loop_id`, loop)),
    look.field('baseline_manifest_id', output.baseline_manifest_id),
    look.field('baseline_seed_package_version', output.baseline_seed_package_version),
    ...compileInput(output, look),
    look.field('persisted_compile_input.mode_id', output['persisted_compile_input.mode_id']),
    look.field('persisted_compile_input.config_fingerprint', output['persisted_compile_input.config_fingerprint']),
    look.field('persisted_compile_input.assets_fingerprint', output['persisted_compile_input.assets_fingerprint']),
    ...planLines(plan, look),
  ].join('\n')
}

export function graph(output: CompileGraphOutput, _look: Look): string {
  return output.text
}

export function modesLs(output: ModesLsOutput, look: Look): string {
  if (look.terminal) return modesTable(output, look)
  const loops = (mode: ModesLsOutput['modes'][number]) =>
    Object.entries(mode.loop_ids_by_plane)
      .map(([plane, loop]) => `${plane}_loop=${loop}`)
      .join(' ')
  return [
    ...output.modes.map((mode) => look.field(mode.mode_id, loops(mode))),
    ...output.aliases.map(({ alias, mode_id }) => `${alias} -> ${mode_id} (compatibility alias)`),
    ...output.unreadable.map((finding) => look.field('unreadable', `${finding.path} ${finding.message}`)),
  ].join('\n')
}

function modesTable(output: ModesLsOutput, look: Look): string {
  const { paint } = look
  const rows = output.modes.map((mode) => [
    `${mode.mode_id}${mode.is_default ? paint.green(' (default)') : ''}`,
    Object.values(mode.loop_ids_by_plane).join(', '),
    mode.source,
    look.safe(mode.description ?? ''),
  ])
  return [
    look.table(rows, [{ title: 'MODE' }, { title: 'LOOPS' }, { title: 'FROM' }, { title: 'WHAT', flexible: true }]),
    ...output.aliases.map(({ alias, mode_id }) => paint.dim(`${alias} is another name of ${mode_id}`)),
    ...output.unreadable.map((finding) => `${paint.red('unreadable:')} ${finding.path}: ${look.safe(finding.message)}`),
  ].join('\n')
}

export function modesShow(output: ModesShowOutput, look: Look): string {
  const bound = (name: string, bindings: Record<string, string | string[]>) =>
    Object.entries(bindings).map(([stage, value]) => look.field(`${name}.${stage}`, [value].flat().join(',')))
  return [
    ...(output.alias_of === undefined ? [] : [look.field('alias_of', output.alias_of)]),
    look.field('mode_id', output.mode_id),
    ...Object.entries(output.loop_ids_by_plane).map(([plane, loop]) => look.field(`${plane}_loop_id`, loop)),
    look.field('description', output.description),
    look.field('source', `${output.source} ${output.path}`),
    look.field('model_profile', output.model_profile),
    ...bound('runner', output.stage_runner_bindings),
    ...bound('model', output.stage_model_bindings),
    ...bound('permission', output.stage_permission_bindings),
    ...bound('entrypoint', output.stage_entrypoint_overrides),
    ...bound('skills', output.stage_skill_additions),
    ...(output.claim_order ?? []).map(({ plane, kinds }) => look.field(`claims.${plane}`, kinds.join(','))),
    ...Object.entries(output.recovery_limits ?? {}).map(([name, value]) =>
      look.field(`recovery.${name}`, String(value)),
    ),
  ].join('\n')
}
