/** How the groups of `status --detail` read: as blocks with a heading, for programs as lines with dotted keys. */
import type { DetailOutput } from '../../operations/schemas/status.ts'
import type { Look, Value } from '../look.ts'
import { pairs } from './quoted.ts'
import { setBy } from './selection.ts'

/** Keys of the answer that are there only with --detail, with their headings. */
export const DETAIL_GROUPS: Readonly<Record<keyof DetailOutput, string>> = {
  runtime: 'Runtime',
  liveness: 'Liveness',
  source_kind: 'Source',
  config_path: 'Config',
  config_source_kind: 'Config from',
  selection: 'Chosen now',
  selection_explanation: 'Where that comes from',
  selection_error: 'Does not compile',
  mailbox_task_intake: 'Tasks in the mailbox',
  assets: 'Assets',
  research: 'Planning',
  active_task: 'Active task',
  next_task: 'Next task',
}

export function detailBlocks(output: DetailOutput, look: Look): string {
  const keys = Object.keys(DETAIL_GROUPS) as (keyof DetailOutput)[]
  if (!look.terminal) return keys.flatMap((key) => lines(key, output[key], look)).join('\n')
  return keys.flatMap((key) => block(key, output, look)).join('\n\n')
}

/** Without what is absent; where values come from stands in the table of what is chosen. */
function block(key: keyof DetailOutput, output: DetailOutput, look: Look): string[] {
  const value = output[key]
  if (value === null || key === 'selection_explanation') return []
  const heading = look.paint.bold(DETAIL_GROUPS[key])
  if (typeof value === 'string') return [`${heading} ${look.safe(value)}`]
  if (key === 'selection') return [`${heading}\n${bindings(output, look)}`]
  if (key === 'assets') return [`${heading}\n${assets(output.assets, look)}`]
  const told = Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null))
  return [[heading, ...lines('', told, look).map((line) => `  ${look.safe(line)}`)].join('\n')]
}

/** One line for each value; of a list one for each of its members. */
function lines(key: string, value: unknown, look: Look): string[] {
  if (value === null || typeof value !== 'object') return [look.field(key, value as Value)]
  if (Array.isArray(value)) {
    const name = key.replace(/ies$/, 'y').replace(/s$/, '')
    return value.map((one) => look.field(name, typeof one === 'object' ? pairs(flat(one as object)) : (one as Value)))
  }
  return Object.entries(value).flatMap(([name, one]) => lines(key === '' ? name : `${key}.${name}`, one, look))
}

const flat = (one: object): Record<string, Value> =>
  Object.fromEntries(
    Object.entries(one).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : (value as Value)]),
  )

function bindings({ selection, selection_explanation: origins }: DetailOutput, look: Look): string {
  if (selection === null) return ''
  const from = (plane: string, node: string) =>
    setBy(origins.filter((one) => one.plane === plane && one.node_id === node))
  const rows = selection.stage_bindings.map((node) => [
    node.plane,
    node.node_id,
    node.runner_name,
    node.model_name ?? '–',
    node.permission_level ?? '–',
    `${node.timeout_seconds} s`,
    look.paint.dim(from(node.plane, node.node_id)),
  ])
  const columns = [
    { title: 'LANE' },
    { title: 'NODE' },
    { title: 'RUNNER' },
    { title: 'MODEL' },
    { title: 'PERMISSION' },
    { title: 'TIME', align: 'right' as const },
    { title: 'FROM', flexible: true },
  ]
  const head = `mode ${selection.mode_id}, ${selection.compiled_plan_id}`
  return `${look.paint.dim(head)}\n${look.table(rows, columns)}`
}

/** How many there are, and which are the operator's own. */
function assets({ bundle_version, stage_prompts, skills, definitions }: DetailOutput['assets'], look: Look): string {
  const own = [...stage_prompts, ...skills, ...definitions].filter(({ source }) => source === 'workspace')
  const counts = `${stage_prompts.length} prompts, ${skills.length} skills, ${definitions.length} definitions`
  return [
    `  ${counts}${bundle_version === null ? '' : `; deployed by version ${bundle_version}`}`,
    ...own.map(({ path }) => `  ${look.paint.dim('of this workspace:')} ${look.safe(path)}`),
  ].join('\n')
}
