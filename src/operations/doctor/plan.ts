/** Checks of config and plan: whether they are sound, and what they mean for the machine. */
import * as path from 'node:path'
import { parseFamilies } from '../../core/assets.ts'
import type { Config } from '../../core/config.ts'
import type { Diagnostic } from '../../core/diagnostics.ts'
import { MillraceError } from '../../core/errors.ts'
import { objectInLine } from '../../core/json-line.ts'
import type { Plan } from '../../core/plan.ts'
import { record, text as textShape } from '../../core/shape.ts'
import { readAssets } from '../../store/catalogue.ts'
import { readConfig } from '../../store/config-file.ts'
import { textOrNull } from '../../store/files.ts'
import { AT } from '../../store/layout.ts'
import type { Context } from '../context.ts'
import { compileHere } from '../plan/compiling.ts'
import type { Finding } from '../schemas/doctor.ts'
import { type Examination, error, named, remark, warning } from './examination.ts'
import type { CodeAt } from './findings.ts'
import { checkPermissions, checkRoot } from './permissions.ts'

interface Examined {
  config: Config | null
  plan: Plan | null
  findings: Finding[]
}

/** The config in force; null if it cannot be read. */
export function checkConfig(exam: Examination): Omit<Examined, 'plan'> {
  const { context, files, places } = exam
  const twice = path.join(places.root, AT.config)
  const findings: Finding[] =
    files.stat(twice) === null
      ? []
      : [
          error('config_in_two_places', {
            path: AT.config,
            message: `A ${AT.config} lies beside the runtime root; only ${named(exam, AT.config)} is read.`,
            remedy: 'move what you need into the one that is read, and remove this one',
          }),
        ]
  try {
    const { config } = readConfig(files, places, context.overrides)
    return { config, findings: [...findings, ...checkWatchers(exam, config)] }
  } catch (cause) {
    if (!MillraceError.is(cause)) throw cause
    const said = { path: named(exam, AT.config), message: cause.message, remedy: cause.hint ?? null }
    return { config: null, findings: [...findings, error('runtime_config_invalid', said)] }
  }
}

function checkWatchers(exam: Examination, config: Config): Finding[] {
  if (config.watchers.enabled) return []
  const message = `Folders are not watched; new work is noticed every ${config.runtime.idle_sleep_seconds} s.`
  const remedy = 'set watchers.enabled = true to have it noticed at once'
  return [remark('watchers_disabled', { path: named(exam, AT.config), message, remedy })]
}

/** What the config in force compiles to, and what that means. */
export function checkPlan(exam: Examination, config: Config): Omit<Examined, 'config'> {
  const { context } = exam
  const { plan, diagnostics } = compileHere(context)
  const reported = new Set(diagnostics.map((diagnostic) => diagnostic.path))
  return {
    plan,
    findings: [
      ...diagnostics.map(fromDiagnostic),
      ...unusedAssets(exam, reported),
      ...(plan === null
        ? []
        : [...outdated(exam, plan), ...checkPermissions(config, plan), ...checkRoot(config, plan, whoIs(context))]),
    ],
  }
}

/** The id of a plan is a hash of its content. What is only asked for this command says nothing of the one on disk. */
function outdated(exam: Examination, plan: Plan): Finding[] {
  const { context, files, places } = exam
  const text = context.overrides.length > 0 ? null : textOrNull(files, places.at(AT.plan))
  const onDisk = text === null ? null : objectInLine(text)
  if (!hasPlanId(onDisk) || onDisk.compiled_plan_id === plan.compiled_plan_id) return []
  return [
    remark('plan_outdated', {
      path: named(exam, AT.plan),
      message: `Config or assets are not what plan ${onDisk.compiled_plan_id} was compiled from.`,
      remedy: 'the next start compiles it anew; `millrace reload-config` has a runtime at work do so',
    }),
  ]
}

const hasPlanId = record({ compiled_plan_id: textShape })

const whoIs = ({ environment }: Context) => ({ isRoot: process.getuid?.() === 0, environment })

/** Codes that operators know, by the start of the compiler's. */
const SEED_CODES: readonly (readonly [start: RegExp, code: CodeAt<'error'>])[] = [
  [/^RUNNER_UNKNOWN/, 'configured_runner_unknown'],
  [/^PERMISSION_/, 'permission_not_honoured'],
  [/^MODE_UNKNOWN/, 'resolved_mode_invalid'],
  [/^(MODE|CONFIG)_/, 'mode_definition_invalid'],
  [/^(LOOP|EDGE|ENTRY|NODE|COMPLETION)_/, 'loop_definition_invalid'],
]

function fromDiagnostic(diagnostic: Diagnostic): Finding {
  const { severity, path: file, at, message } = diagnostic
  const known = SEED_CODES.find(([start]) => start.test(diagnostic.code))?.[1]
  const said = {
    path: file,
    message: `${diagnostic.code}${at ? ` at ${at}` : ''}: ${message}.`,
    remedy: 'mend the file, then run `millrace compile validate`',
  }
  return severity === 'error'
    ? error(known ?? 'asset_lint_structural', said)
    : warning(known === 'mode_definition_invalid' ? known : 'asset_lint_policy', said)
}

/** Files of the workspace that cannot be read, though the mode in force does without them. */
function unusedAssets({ context, files, places }: Examination, reported: ReadonlySet<string>): Finding[] {
  const assets = readAssets(files, context.packageRoot, places)
  return [...parseFamilies(assets).broken]
    .filter(([file]) => assets.files.get(file)?.source === 'workspace' && !reported.has(file))
    .flatMap(([, findings]) => findings.all)
    .map((diagnostic) =>
      warning('asset_lint_policy', {
        path: diagnostic.path,
        message: `${diagnostic.code}: ${diagnostic.message}. The mode in force does without it.`,
        remedy: 'mend the file or remove it',
      }),
    )
}
