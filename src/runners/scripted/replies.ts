/** The reply file of the scripted agent: its form, which reply answers which stage run, and the templates in it. */

/** What an agent does before it reports, in order. Every text in it may hold templates. */
export type Step =
  | { say: string }
  | { wait_ms: number }
  | { write: { path: string; text: string } }
  | { copy: { from: string; to: string } }
  | { replace: { path: string; find: string; with: string } }
  | { run: { command: string; expect?: 'success' | 'failure' | 'any' } }
  | { hand_in: { kind: string; id: string; text: string } }
  | { result: Record<string, unknown> }
  | { artifacts: true }
  | { hang: true }
  | { spawn: { command: string } }

export interface Reply {
  /** Stage kind or node; `*` is any. */
  stage: string
  /** Work item, or root spec of a closure target. */
  item?: string
  /** 1 for the first time this node is reached in the run. */
  attempt?: number
  steps: Step[]
  /** Reported as it stands, legal or not; null ends without a marker. */
  outcome: string | null
  exit_code?: number
  /** Text of the final message before the marker. */
  message?: string
}

type Fields = Record<string, unknown>

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string'
const isTexts = (value: unknown, names: readonly string[]): boolean =>
  isFields(value) && names.every((name) => isText(value[name])) && Object.keys(value).length === names.length

const STEPS: Readonly<Record<string, (value: unknown) => boolean>> = {
  say: isText,
  wait_ms: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  write: (value) => isTexts(value, ['path', 'text']),
  copy: (value) => isTexts(value, ['from', 'to']),
  replace: (value) => isTexts(value, ['path', 'find', 'with']),
  run: (value) =>
    isFields(value) &&
    isText(value.command) &&
    [undefined, 'success', 'failure', 'any'].includes(value.expect as string | undefined),
  hand_in: (value) => isTexts(value, ['kind', 'id', 'text']),
  result: isFields,
  artifacts: (value) => value === true,
  hang: (value) => value === true,
  spawn: (value) => isTexts(value, ['command']),
}

const isStep = (name: string, value: unknown): boolean => Object.hasOwn(STEPS, name) && STEPS[name]!(value)

/** Throws an Error whose message names the reply and the step that are wrong. */
export function parseReplies(text: string): Reply[] {
  const file: unknown = JSON.parse(text)
  if (
    !isFields(file) ||
    file.schema_version !== '1.0' ||
    file.kind !== 'scripted_replies' ||
    !Array.isArray(file.replies)
  ) {
    throw new Error('a reply file says "schema_version": "1.0", "kind": "scripted_replies" and has a list "replies"')
  }
  return file.replies.map((reply, index) => parseReply(reply, `reply ${index + 1}`))
}

function parseReply(reply: unknown, at: string): Reply {
  const wrong = (what: string) => new Error(`${at}: ${what}`)
  if (!isFields(reply)) throw wrong('must be an object')
  const known = ['stage', 'item', 'attempt', 'steps', 'outcome', 'exit_code', 'message']
  for (const name of Object.keys(reply)) if (!known.includes(name)) throw wrong(`unknown member ${name}`)
  const { stage, item, attempt, steps = [], outcome, exit_code, message } = reply
  if (!isText(stage) || stage === '') throw wrong('"stage" must be a stage kind or "*"')
  if (item !== undefined && !isText(item)) throw wrong('"item" must be an id')
  if (attempt !== undefined && !(Number.isSafeInteger(attempt) && (attempt as number) > 0))
    throw wrong('"attempt" must be 1 or more')
  if (outcome !== null && !isText(outcome)) throw wrong('"outcome" must be a text or null')
  if (
    exit_code !== undefined &&
    !(Number.isSafeInteger(exit_code) && (exit_code as number) >= 0 && (exit_code as number) < 256)
  ) {
    throw wrong('"exit_code" must be 0 to 255')
  }
  if (message !== undefined && !isText(message)) throw wrong('"message" must be a text')
  if (!Array.isArray(steps)) throw wrong('"steps" must be a list')
  for (const [index, step] of steps.entries()) {
    const [name, ...more] = isFields(step) ? Object.keys(step) : []
    if (name === undefined || more.length > 0 || !isStep(name, (step as Fields)[name])) {
      throw wrong(`step ${index + 1} must have one member of ${Object.keys(STEPS).join(', ')}, in its documented form`)
    }
  }
  return { ...reply, steps } as unknown as Reply
}

interface StageRun {
  stageKind: string
  node: string
  item: string | null
  attempt: number
}

/**
 * The most specific reply: one that names the item before one that does not, then one that names the stage before
 * `*`; among equals the one for this very attempt, then one for any attempt, then the last one listed for an earlier
 * attempt. Undefined if none fits.
 */
export function chooseReply(replies: readonly Reply[], run: StageRun): Reply | undefined {
  const rank = (reply: Reply) => (reply.item === undefined ? 0 : 2) + (reply.stage === '*' ? 0 : 1)
  const fitting = replies.filter(
    (reply) =>
      (reply.stage === '*' || reply.stage === run.stageKind || reply.stage === run.node) &&
      (reply.item === undefined || reply.item === run.item),
  )
  for (const wanted of [3, 2, 1, 0]) {
    const peers = fitting.filter((reply) => rank(reply) === wanted)
    const chosen =
      peers.find((reply) => reply.attempt === run.attempt) ??
      peers.find((reply) => reply.attempt === undefined) ??
      peers.findLast((reply) => reply.attempt !== undefined && reply.attempt < run.attempt)
    if (chosen) return chosen
  }
  return undefined
}

/** Replaces `{name}` for the known names, in every text of a value; other braces stay as they are. */
export function fill<T>(value: T, values: Readonly<Record<string, string>>): T {
  if (typeof value === 'string') {
    return value.replace(/\{([a-z_]+)\}/g, (whole, name: string) =>
      Object.hasOwn(values, name) ? values[name]! : whole,
    ) as T
  }
  if (Array.isArray(value)) return value.map((member) => fill(member, values)) as T
  if (isFields(value))
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, fill(member, values)])) as T
  return value
}
