/** How approvals read. */
import type { Approval } from '../../core/approval.ts'
import type { ApprovalsLsOutput, ApprovalsShowOutput } from '../../operations/schemas/approvals.ts'
import type { Look } from '../look.ts'
import { quoted } from './quoted.ts'

export function ls(output: ApprovalsLsOutput, look: Look): string {
  const faulty = output.unreadable.map((file) =>
    look.terminal ? `${look.paint.red('unreadable:')} ${look.safe(file)}` : look.field('unreadable', file),
  )
  if (look.terminal) return [table(output, look), ...faulty].join('\n')
  if (output.approvals.length === 0) return [look.field('approvals', 'none'), ...faulty].join('\n')
  const blocks = output.approvals.map((approval) => fields(approval, look).join('\n'))
  return [...blocks, ...(faulty.length > 0 ? [faulty.join('\n')] : [])].join('\n\n')
}

export function show({ approval, path, can }: ApprovalsShowOutput, look: Look): string {
  return [
    ...fields(approval, look),
    look.field('path', path),
    ...can.map((command) => look.field('can', command)),
  ].join('\n')
}

/** The texts of others come last and are quoted. */
function fields({ schema_version: _, kind: __, question, decision_reason, ...flat }: Approval, look: Look): string[] {
  return [
    ...Object.entries(flat).map(([name, value]) => look.field(name, value)),
    look.field('question', quoted(question)),
    look.field('decision_reason', decision_reason === null ? null : quoted(decision_reason)),
  ]
}

function table({ approvals, approval_count }: ApprovalsLsOutput, look: Look): string {
  const { paint } = look
  if (approvals.length === 0) return paint.dim('Nobody is asked anything. Answered ones: millrace approvals ls --all')
  const rows = approvals.map((one) => [
    one.status === 'pending'
      ? paint.yellow(one.status)
      : one.status === 'approved'
        ? paint.green(one.status)
        : paint.dim(one.status),
    one.approval_id,
    look.ago(one.created_at).replace(/ ago$/, ''),
    look.safe(`${one.work_item_kind} ${one.work_item_id}`),
    one.node_id,
    one.capability_id,
    look.safe(one.question),
  ])
  const columns = [
    { title: 'STATUS' },
    { title: 'ID' },
    { title: 'AGE', align: 'right' as const },
    { title: 'ITEM' },
    { title: 'NODE' },
    { title: 'CAPABILITY' },
    { title: 'QUESTION', flexible: true },
  ]
  const more = approval_count - approvals.length
  const rest = more > 0 ? [paint.dim(`and ${more} more; --limit 0 shows all`)] : []
  return [look.table(rows, columns), ...rest].join('\n')
}
