/**
 * Approvals: a question to a person that holds one item at one node, and its answer. Three things ask: a capability that
 * the node requires, a validator of its stage, an edge of its loop. Each question has its own file, first among the
 * pending ones, then among the resolved ones; the same question is asked again only where its answer no longer holds.
 */
import * as z from 'zod'
import { CapabilityId } from './capability.ts'
import { canonicalJson, sha256 } from './ids.ts'
import { OutcomeName } from './stage.ts'
import { type ActiveRun, counterOwner } from './state.ts'
import type { View } from './view.ts'

export const APPROVAL_STATUSES = ['pending', 'approved', 'denied', 'expired', 'cancelled'] as const
export type ApprovalStatus = (typeof APPROVAL_STATUSES)[number]

const time = (what: string) => z.string().describe(`${what} (ISO time).`)

export const Approval = z
  .strictObject({
    schema_version: z.literal('1.0'),
    kind: z.literal('execution_capability_approval'),
    approval_id: z.string(),
    status: z.enum(APPROVAL_STATUSES).describe('`expired`: nobody answered in time. `cancelled`: its run ended first.'),
    asked_by: z
      .enum(['capability', 'validator', 'edge'])
      .describe('What asks: a capability the node requires, a validator of its stage, an edge of its loop.'),
    asked_by_id: z.string().describe('Which capability, validator or edge.'),
    capability_id: z.string().describe('What is to be allowed.'),
    question: z.string().describe('What the person decides, in a sentence.'),
    subject_sha256: z
      .string()
      .nullable()
      .describe('Hash of what the answer is about; about anything else it is asked anew. Null: the item as such.'),
    work_item_kind: z.string().describe('`closure_target` for the judgement of a root spec.'),
    work_item_id: z.string(),
    plane: z.string(),
    node_id: z.string(),
    stage_kind_id: z.string(),
    run_id: z.string().describe('Run that waits for the answer.'),
    request_id: z.string().nullable().describe('Stage run whose result waits; null where the stage waits to begin.'),
    denied_outcome: z.string().nullable().describe('Outcome a denial counts as; null ends the run as blocked.'),
    created_at: time('When it was asked'),
    expires_at: z
      .string()
      .nullable()
      .describe('While pending, when it counts as denied; once approved, until when that holds. Null: no end.'),
    decided_at: z.string().nullable(),
    decided_by: z.string().nullable(),
    decision_reason: z.string().nullable(),
  })
  .describe('A question to a person, and its answer.')
export type Approval = z.infer<typeof Approval>

/** What an edge of a loop asks before it is taken. */
export const EdgeApproval = z
  .strictObject({
    capability_id: CapabilityId.default('approval.request').describe('What is to be allowed.'),
    question: z.string().min(1).max(1000).describe('What the person decides, in a sentence.'),
    denied_outcome: OutcomeName.optional().describe(
      'Outcome of the source node that a denial counts as; without it the run ends as blocked.',
    ),
    expires_after_seconds: z
      .int()
      .min(1)
      .optional()
      .describe('Time after which no answer counts as a denial; without it the question waits as long as it takes.'),
  })
  .describe('Asks a person before the edge is taken.')
export type EdgeApproval = z.infer<typeof EdgeApproval>

/** A question as whoever asks it words it. */
export interface Question {
  asked_by: Approval['asked_by']
  asked_by_id: string
  capability_id: string
  question: string
  /** Text the answer is about; null for the item as such. */
  subject: string | null
  denied_outcome: string | null
  expires_after_seconds: number | null
}

export type Answer =
  | { answer: 'approved'; approval: Approval }
  | { answer: 'denied'; approval: Approval }
  /** Nobody has answered: `approval` is pending, or has to be put first. */
  | { answer: 'open'; approval: Approval; isNew: boolean }

/** File of an approval among the pending or the resolved ones, relative to the runtime root. */
export const approvalFile = (state: 'pending' | 'resolved', id: string): string => `approvals/${state}/${id}.json`

/** File of an approval where its status puts it, relative to the workspace. */
export const approvalPath = ({ approval_id, status }: Pick<Approval, 'approval_id' | 'status'>): string =>
  `millrace-agents/${approvalFile(status === 'pending' ? 'pending' : 'resolved', approval_id)}`

/** The approval in a text; null if it is none. */
export function parseApproval(text: string): Approval | null {
  try {
    return Approval.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}

/** The approval of that id; null if there is none that can be read. A resolved one counts before a pending one. */
export function approvalOf(view: Pick<View, 'readFile'>, id: string): Approval | null {
  for (const state of ['resolved', 'pending'] as const) {
    const text = view.readFile(`millrace-agents/${approvalFile(state, id)}`)
    const approval = text === null ? null : parseApproval(text)
    if (approval !== null) return approval
  }
  return null
}

/** The same question of the same item is asked at most this often. */
const ASKED_MAX = 1000

/** What a person says to a question of a run. Pure; a question that is new is given with `isNew` for the caller to put. */
export function answerTo(
  view: Pick<View, 'readFile' | 'now'>,
  run: ActiveRun,
  asked: Question,
  requestId: string | null,
): Answer {
  const { kind, id } = counterOwner(run)
  const subject_sha256 = asked.subject === null ? null : sha256(asked.subject)
  const { asked_by, asked_by_id, capability_id } = asked
  const key = canonicalJson([kind, id, run.plane, run.node_id, asked_by, asked_by_id, capability_id, subject_sha256])
  const stem = `approval-${sha256(key).slice(0, 12)}`
  let last: Approval | null = null
  let approval_id = stem
  for (let asking = 2; asking <= ASKED_MAX; asking++) {
    const earlier = approvalOf(view, approval_id)
    if (earlier === null) break
    last = earlier
    approval_id = `${stem}-${asking}`
  }
  const isOver = last !== null && last.expires_at !== null && last.expires_at <= view.now
  if (last?.status === 'pending')
    return isOver
      ? { answer: 'denied', approval: { ...last, status: 'expired', decided_at: view.now, decision_reason: NO_ANSWER } }
      : { answer: 'open', approval: last, isNew: false }
  if (last?.status === 'approved' && !isOver) return { answer: 'approved', approval: last }
  const isRefused = last?.status === 'denied' || last?.status === 'expired'
  if (last !== null && isRefused && last.run_id === run.run_id) return { answer: 'denied', approval: last }
  const expires_at =
    asked.expires_after_seconds === null
      ? null
      : new Date(Date.parse(view.now) + asked.expires_after_seconds * 1000).toISOString()
  return {
    answer: 'open',
    isNew: true,
    approval: {
      schema_version: '1.0',
      kind: 'execution_capability_approval',
      approval_id,
      status: 'pending',
      asked_by,
      asked_by_id,
      capability_id,
      question: asked.question,
      subject_sha256,
      work_item_kind: kind,
      work_item_id: id,
      plane: run.plane,
      node_id: run.node_id,
      stage_kind_id: run.stage_kind_id,
      run_id: run.run_id,
      request_id: requestId,
      denied_outcome: asked.denied_outcome,
      created_at: view.now,
      expires_at,
      decided_at: null,
      decided_by: null,
      decision_reason: null,
    },
  }
}

const NO_ANSWER = 'nobody answered in time'

/** A denial in a sentence, for results, reports and the prompt of who comes next. */
export const deniedSentence = ({ capability_id, question, status, decision_reason, decided_by }: Approval): string =>
  status === 'expired'
    ? `${capability_id} was not approved in time: ${question}`
    : `${capability_id} was denied by ${decided_by ?? 'an operator'}${decision_reason ? ` (${decision_reason})` : ''}: ${question}`
