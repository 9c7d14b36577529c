/** How the answer to a change reads: the control result block (spec 03 §1.6). */
import type { Issued } from '../../operations/issue.ts'
import type { Look } from '../look.ts'

export function issued(output: Issued, look: Look): string {
  return look.terminal ? sentence(output, look) : block(output, look)
}

/** `steps`: what a preview lists, `then`: the options that carry it out. */
export function sentence(output: Issued, { paint, safe }: Look, steps = stepsOf(output), then = '--if-state'): string {
  const detail = safe(output.detail)
  if (output.state === 'applied') return `${paint.green('✓')} ${detail}`
  if (output.state === 'queued') return `${paint.yellow('…')} ${detail}\n  ${paint.dim(output.command_id ?? '')}`
  if (output.state === 'preview') {
    const how = paint.dim(carryOut(output.state_id ?? '', then))
    return [`${paint.yellow('would be:')} ${detail}`, ...steps.map((one) => `  ${safe(one)}`), how].join('\n')
  }
  return `${paint.yellow('not applied:')} ${detail}`
}

export const carryOut = (stateId: string, option = '--if-state'): string =>
  `nothing was changed; carry it out with ${option} ${stateId}`

const stepsOf = (output: Issued): string[] => [...(output.would ?? []), ...lineChanges(output)]

/** The place of a command in the mailbox is told only where it went through the mailbox of a running daemon. */
export function block(output: Issued, { field }: Look): string {
  const artifact = output.result.artifact_path
  const lines = [
    field('action', output.action),
    field('mode', output.mode),
    field('applied', output.applied),
    field('detail', output.detail),
  ]
  if (output.mode === 'mailbox')
    lines.push(field('command_id', output.command_id), field('mailbox_path', output.mailbox_path))
  if (typeof artifact === 'string') lines.push(field('artifact_path', artifact))
  lines.push(field('state', output.state))
  if (output.state_id !== undefined) lines.push(field('state_id', output.state_id))
  lines.push(...(output.would ?? []).map((one) => field('would', one)))
  lines.push(...lineChanges(output).map((one) => field('line', one)))
  return lines.join('\n')
}

/** Lines of a file that go and come, as an answer lists them. */
const lineChanges = ({ result }: Issued): string[] => (Array.isArray(result.diff) ? (result.diff as string[]) : [])
