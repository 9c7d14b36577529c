/** How assets read. */
import type {
  AssetsLsOutput,
  AssetsShowOutput,
  LoopsLsOutput,
  LoopsShowOutput,
  ModelsLsOutput,
  ModelsShowOutput,
  StagesLsOutput,
  StagesShowOutput,
} from '../../operations/schemas/assets.ts'
import type { Look } from '../look.ts'
import { pairs, quoted } from './quoted.ts'

const unreadable = (findings: LoopsLsOutput['unreadable'], look: Look): string[] =>
  findings.map(({ path, message }) =>
    look.terminal
      ? `${look.paint.red('unreadable:')} ${path}: ${look.safe(message)}`
      : look.field('unreadable', `${path} ${message}`),
  )

export function assetsLs({ assets }: AssetsLsOutput, look: Look): string {
  if (!look.terminal) return assets.map((asset) => look.field('asset', pairs(asset))).join('\n')
  const rows = assets.map(({ kind, id, path, source, in_workspace }) => [
    look.safe(id),
    kind.replace('_', ' '),
    source === 'workspace' ? 'workspace' : in_workspace ? 'package (copied here)' : 'package',
    look.safe(path),
  ])
  return look.table(rows, [{ title: 'ASSET' }, { title: 'KIND' }, { title: 'FROM' }, { title: 'FILE', flexible: true }])
}

export function assetsShow({ text, ...about }: AssetsShowOutput, look: Look): string {
  const head = Object.entries(about).map(([key, value]) => look.field(key, value))
  return [...head, '', look.safe(text).trimEnd()].join('\n')
}

export function loopsLs(output: LoopsLsOutput, look: Look): string {
  if (!look.terminal) {
    const lines = output.loops.map(({ description, node_ids, used_by_modes, ...flat }) =>
      look.field(
        'loop',
        `${pairs({ ...flat, nodes: node_ids.join(','), modes: used_by_modes.join(',') })} description=${quoted(description)}`,
      ),
    )
    return [...lines, ...unreadable(output.unreadable, look)].join('\n')
  }
  const rows = output.loops.map((loop) => [
    loop.loop_id,
    loop.plane,
    String(loop.node_ids.length),
    loop.used_by_modes.join(', ') || '–',
    loop.source,
    look.safe(loop.description ?? ''),
  ])
  const columns = [
    { title: 'LOOP' },
    { title: 'LANE' },
    { title: 'NODES', align: 'right' as const },
    { title: 'USED BY' },
    { title: 'FROM' },
    { title: 'WHAT', flexible: true },
  ]
  return [look.table(rows, columns), ...unreadable(output.unreadable, look)].join('\n')
}

export function loopsShow({ loop, loop_id, source, path, rivals, used_by_modes }: LoopsShowOutput, look: Look): string {
  const target = (node: string | undefined, state: string | undefined) =>
    node ?? (state === undefined ? 'none' : `terminal:${state}`)
  const { resume_policies, threshold_policies } = loop.dynamic_policies
  const parts: [key: string, lines: string[]][] = [
    [
      'entry',
      loop.entry_nodes.map(({ entry_key, when, node_id }) => {
        const narrowed = when === undefined ? '' : ` (${when.field}=${when.equals})`
        return `${entry_key}${narrowed} -> ${node_id}`
      }),
    ],
    [
      'node',
      loop.nodes.map(({ node_id, stage_kind_id, ...bound }) =>
        [node_id, ...(node_id === stage_kind_id ? [] : [`stage=${stage_kind_id}`]), ...boundBy(bound)].join(' '),
      ),
    ],
    [
      'edge',
      loop.edges.map((edge) => {
        const times = edge.max_attempts === undefined ? '' : ` max_attempts=${edge.max_attempts}`
        return `${edge.from_node_id} --${edge.on_outcomes.join('|')}--> ${target(edge.to_node_id, edge.terminal_state_id)} kind=${edge.kind}${times}`
      }),
    ],
    [
      'threshold',
      threshold_policies.map((policy) => {
        const spent = target(policy.exhausted_target_node_id, policy.exhausted_terminal_state_id)
        const from = policy.threshold_from === undefined ? '' : ` unless config ${policy.threshold_from}`
        return `${policy.source_node_ids.join('|')} --${policy.on_outcome}--> ${spent} once spent: ${policy.counter_name} threshold=${policy.threshold}${from} counted_per=${policy.counted_per}`
      }),
    ],
    [
      'resume',
      resume_policies.map(
        (policy) =>
          `${policy.source_node_id} --${policy.on_outcome}--> ${policy.default_target_node_id} unless ${policy.metadata_stage_keys.join(',')} names another; never ${policy.disallowed_target_node_ids.join(',') || 'none'}`,
      ),
    ],
    [
      'terminal',
      loop.terminal_states.map(
        (state) =>
          `${state.terminal_state_id} class=${state.terminal_class} writes=${state.writes_status} effects=${state.effects.map((one) => one.effect).join(',')}`,
      ),
    ],
    [
      'completion',
      loop.completion_behavior === undefined
        ? []
        : [
            `${loop.completion_behavior.request_kind} -> ${loop.completion_behavior.target_node_id} rounds_max=${loop.completion_behavior.rounds_max}`,
          ],
    ],
  ]
  const about: [string, string | null][] = [
    ['loop_id', loop_id],
    ['plane', loop.plane],
    ['description', loop.description ?? null],
    ['source', `${source} ${path}`],
    ['used_by_modes', used_by_modes.join(',')],
    ...rivals.map((rival): [string, string] => ['rival', rival]),
  ]
  return written(about, parts, look)
}

/** What a node says of its own binding. */
const boundBy = (bound: Record<string, unknown>): string[] =>
  Object.entries(bound).flatMap(([name, value]) =>
    value === undefined || (Array.isArray(value) && value.length === 0) ? [] : [`${name}=${[value].flat().join(',')}`],
  )

/** For programs a line each; for people the lines of a part below its name. */
function written(about: [string, string | null][], parts: [string, string[]][], look: Look): string {
  const head = about.map(([key, value]) => look.field(key, value))
  if (!look.terminal)
    return [...head, ...parts.flatMap(([key, lines]) => lines.map((line) => look.field(key, line)))].join('\n')
  const blocks = parts
    .filter(([, lines]) => lines.length > 0)
    .map(([key, lines]) =>
      [
        look.paint.bold(key),
        ...lines.map((line) => `  ${look.safe(line.replace(/-->/g, '→').replace(/ kind=normal/, ''))}`),
      ].join('\n'),
    )
  return [head.join('\n'), ...blocks].join('\n\n')
}

export function stagesLs(output: StagesLsOutput, look: Look): string {
  if (!look.terminal) {
    const lines = output.stages.map(({ description, display_name, legal_outcomes, used_by_loops, ...flat }) =>
      look.field(
        'stage',
        `${pairs({ ...flat, outcomes: legal_outcomes.join(','), loops: used_by_loops.join(',') })} display_name=${quoted(display_name)} description=${quoted(description)}`,
      ),
    )
    return [...lines, ...unreadable(output.unreadable, look)].join('\n')
  }
  const rows = output.stages.map((stage) => [
    stage.stage_kind_id,
    stage.plane,
    stage.used_by_loops.join(', ') || '–',
    stage.source,
    look.safe(stage.description),
  ])
  const columns = [
    { title: 'STAGE' },
    { title: 'LANE' },
    { title: 'USED BY' },
    { title: 'FROM' },
    { title: 'WHAT', flexible: true },
  ]
  return [look.table(rows, columns), ...unreadable(output.unreadable, look)].join('\n')
}

export function stagesShow(
  { stage_kind: kind, source, path, rivals, used_by_loops }: StagesShowOutput,
  look: Look,
): string {
  const about: [string, string | null][] = [
    ['stage_kind_id', kind.stage_kind_id],
    ['plane', kind.plane],
    ['display_name', kind.display_name],
    ['description', kind.description],
    ['source', `${source} ${path}`],
    ['used_by_loops', used_by_loops.join(',')],
    ['entrypoint_path', kind.default_entrypoint_path],
    ['required_skills', kind.required_skill_paths.join(',')],
    ['suggested_skills', kind.suggested_skill_paths.join(',')],
    ['running_status_marker', kind.running_status_marker],
    ['failure_outcome', kind.failure_outcome],
    ['performer', kind.performer.type],
    ['idempotence_policy', kind.idempotence_policy],
    ['recovery_role', kind.recovery_role],
    ['closure_role', String(kind.closure_role)],
    ['can_start', kind.can_start.join(',')],
    ['allowed_overrides', kind.allowed_overrides.join(',')],
    ...rivals.map((rival): [string, string] => ['rival', rival]),
  ]
  const classes = (outcome: string) => kind.allowed_result_classes_by_outcome[outcome]?.join(',') ?? 'none'
  const owed = (outcome: string) =>
    (kind.owed_artifacts_by_outcome[outcome] ?? []).map((one) => one.path).join(',') || 'none'
  return written(
    about,
    [
      ['outcome', kind.legal_outcomes.map((outcome) => `${outcome} classes=${classes(outcome)} owes=${owed(outcome)}`)],
      ['hands_in', kind.hand_ins.map((one) => `${one.kind} with ${one.outcomes.join('|')} at_least=${one.at_least}`)],
      ['reads', kind.allowed_input_artifacts],
      ['leaves', kind.declared_output_artifacts],
    ],
    look,
  )
}

export function modelsLs(output: ModelsLsOutput, look: Look): string {
  const models = (profile: ModelsLsOutput['profiles'][number], between: string) =>
    profile.models.map(({ runner, model }) => `${runner}${between}${model ?? 'none'}`)
  if (!look.terminal) {
    const lines = output.profiles.map((profile) => {
      const { description, used_by_modes, models: _, ...flat } = profile
      return look.field(
        'profile',
        `${pairs({ ...flat, models: models(profile, ':').join(','), modes: used_by_modes.join(',') })} description=${quoted(description)}`,
      )
    })
    return [...lines, ...unreadable(output.unreadable, look)].join('\n')
  }
  const rows = output.profiles.map((profile) => [
    `${profile.model_profile_id}${profile.is_chosen ? look.paint.green(' (chosen)') : ''}`,
    look.safe(models(profile, ' ').join(', ')),
    profile.used_by_modes.join(', ') || '–',
    profile.source,
    look.safe(profile.description),
  ])
  const columns = [
    { title: 'PROFILE' },
    { title: 'MODELS' },
    { title: 'USED BY' },
    { title: 'FROM' },
    { title: 'WHAT', flexible: true },
  ]
  return [look.table(rows, columns), ...unreadable(output.unreadable, look)].join('\n')
}

export function modelsShow({ profile, source, path, rivals, used_by_modes }: ModelsShowOutput, look: Look): string {
  const about: [string, string | null][] = [
    ['model_profile_id', profile.model_profile_id],
    ['description', profile.description],
    ['source', `${source} ${path}`],
    ['used_by_modes', used_by_modes.join(',')],
    ...rivals.map((rival): [string, string] => ['rival', rival]),
  ]
  const runners = Object.entries(profile.runners).flatMap(([runner, { stages, ...all }]) => [
    [runner, ...boundBy(all)].join(' '),
    ...Object.entries(stages).map(([stage, own]) => [`${runner}.${stage}`, ...boundBy(own)].join(' ')),
  ])
  return written(about, [['runner', runners]], look)
}
