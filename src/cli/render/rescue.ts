/** How kept working trees read: keys and lines for programs, tables and sentences for people. */
import type {
  RescueListOutput,
  RescueRestoreOutput,
  RescueShowOutput,
  RescueTree,
} from '../../operations/schemas/rescue.ts'
import type { Look } from '../look.ts'
import { quoted } from './quoted.ts'

export function list(output: RescueListOutput, look: Look): string {
  const { trees, ...head } = output
  if (!look.terminal)
    return [
      ...Object.entries(head).map(([key, value]) => look.field(key, value)),
      ...trees.map((tree) => look.field('kept_tree', line(tree))),
    ].join('\n')
  if (output.protection === 'off')
    return `${look.paint.yellow('off:')} ${look.safe(output.reason ?? '')}\n  ${look.paint.dim('→')} ${look.safe(output.remedy ?? '')}`
  if (trees.length === 0) return look.paint.dim('No working tree was kept yet; one is before each stage.')
  const rows = trees.map((tree) => [
    tree.run_id?.slice(0, 'run-'.length + 8) ?? '–',
    tree.node_id ?? 'restore',
    look.ago(tree.kept_at),
    tree.left_out.length > 0 ? look.paint.yellow(`${tree.left_out.length} left out`) : '',
    tree.ref,
  ])
  const columns = [{ title: 'RUN' }, { title: 'BEFORE' }, { title: 'WHEN' }, { title: '' }, { title: 'REF' }]
  return look.table(rows, columns)
}

const line = (tree: RescueTree): string =>
  [
    `ref=${tree.ref}`,
    `run=${tree.run_id ?? 'none'}`,
    `node=${tree.node_id ?? 'none'}`,
    `kept_at=${tree.kept_at}`,
    `tree=${tree.tree}`,
    `left_out=${tree.left_out.length}`,
    `workspace=${quoted(tree.workspace)}`,
  ].join(' ')

/** One kept file is printed as it is; bytes that are no text are for `rescue restore`, or for --json. */
export function show(output: RescueShowOutput, look: Look): string {
  const { content } = output
  if (content === null) return comparison(output, look)
  if (content.encoding === 'base64')
    return `${content.path}: ${content.bytes} bytes that are no text; get the file back with \`millrace rescue restore\``
  if (!look.terminal) return content.text
  const cut = content.truncated ? [look.paint.dim('…')] : []
  return [...content.text.split('\n').map(look.safe), ...cut].join('\n')
}

const SIGNS = { added: '+', changed: '~', missing: '-' } as const

function comparison(output: RescueShowOutput, look: Look): string {
  const { differences, difference_count, present_left_out, content: _, left_out, ...head } = output
  const rows = differences ?? []
  if (!look.terminal)
    return [
      ...Object.entries(head).map(([key, value]) => look.field(key, value)),
      look.field('difference_count', difference_count),
      ...left_out.map((one) => look.field('left_out', one)),
      ...present_left_out.map((one) => look.field('present_left_out', one)),
      ...rows.map(({ change, path }) => look.field(change, path)),
    ].join('\n')
  const { paint } = look
  const colour = { added: paint.green, changed: paint.yellow, missing: paint.red }
  const verdict =
    rows.length === 0 ? paint.green('Nothing has changed since.') : `Since then (+ new, ~ changed, - gone):`
  return [
    heading(output, look),
    verdict,
    ...rows.map(({ change, path }) => `  ${colour[change](SIGNS[change])} ${look.safe(path)}`),
    ...more(difference_count, rows.length, look),
    ...left_out.map((one) => paint.dim(`not held: ${look.safe(one)}`)),
    ...present_left_out.map((one) => paint.dim(`not compared: ${look.safe(one)}`)),
  ].join('\n')
}

const heading = (tree: RescueTree, { paint, ago, safe }: Look): string =>
  `${paint.bold(safe(tree.subject))} ${paint.dim(`${ago(tree.kept_at)} ${tree.ref}`)}`

const more = (count: number, listed: number, { paint }: Look): string[] =>
  count > listed ? [paint.dim(`and ${count - listed} more`)] : []

export function restore(output: RescueRestoreOutput, look: Look): string {
  const { files, file_count, left_out, ...head } = output
  if (!look.terminal)
    return [
      ...Object.entries(head).map(([key, value]) => look.field(key, value)),
      look.field('file_count', file_count),
      ...left_out.map((one) => look.field('left_out', one)),
      ...files.map(({ action, path, reason }) => look.field(action, reason === null ? path : `${path} (${reason})`)),
    ].join('\n')
  const { paint } = look
  const marks = {
    preview: paint.cyan('preview'),
    applied: paint.green('✓'),
    refused: paint.red('refused'),
    nothing: '',
  }
  return [
    heading(output, look),
    ...files.map(
      ({ action, path, reason }) =>
        `  ${action.padEnd(9)} ${look.safe(path)}${reason === null ? '' : paint.dim(` ${look.safe(reason)}`)}`,
    ),
    ...more(file_count, files.length, look),
    `${marks[output.state]} ${look.safe(output.detail)}`.trimStart(),
  ].join('\n')
}
