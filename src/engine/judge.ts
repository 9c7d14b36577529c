/**
 * Judging a stage beside the tick, in its lane: what a person has denied, and what its validators say, before its agent is
 * started and after it has ended. The first that does not let it pass decides; settling carries that out.
 */
import { type Approval, answerTo, type Question } from '../core/approval.ts'
import { nodeOf } from '../core/plan.ts'
import type { StageRequest } from '../core/request.ts'
import type { RawResult } from '../core/result.ts'
import { failed, parseVerdict, type ValidatorConfig, type ValidatorInput, type Verdict } from '../core/validator.ts'
import { agentEnvironment } from '../runners/environment.ts'
import { capabilityQuestion } from './approvals.ts'
import type { Engine } from './engine.ts'

export type Judgement =
  | { judgement: 'pass' }
  /** It counts as another outcome: that of a validator, or the failure outcome where it names none. */
  | { judgement: 'fail'; validator: string; outcome: string | null; findings: string[] }
  | { judgement: 'denied'; approval: Approval }
  | { judgement: 'ask'; question: Question; when: 'before' | 'after' }

export const PASS: Judgement = { judgement: 'pass' }

/** What stands against a stage; `raw` is its result once it has ended. Never rejects for what a validator does. */
export async function judge(engine: Engine, request: StageRequest, raw: RawResult | null): Promise<Judgement> {
  const view = engine.workspace.asKnown
  const run = view.snapshot.active_runs.find(({ run_id }) => run_id === request.run_id)
  const plan = view.planOf(request.compiled_plan_id)
  const node = plan && nodeOf(plan, request.plane, request.node_id)
  if (!run || !node) return PASS
  const when = raw === null ? 'before' : 'after'
  for (const grant of raw === null ? node.grants : []) {
    const question = capabilityQuestion(run, node, grant)
    const answer = question && answerTo(view, run, question, null)
    if (answer?.answer === 'denied') return { judgement: 'denied', approval: answer.approval }
  }
  for (const name of node.validators[when]) {
    const verdict = await verdictOf(engine, name, request, raw)
    if (verdict.verdict === 'fail')
      return { judgement: 'fail', validator: name, outcome: verdict.outcome ?? null, findings: verdict.findings }
    if (verdict.verdict === 'pass') continue
    const question: Question = {
      asked_by: 'validator',
      asked_by_id: name,
      capability_id: verdict.capability_id,
      question: verdict.question,
      subject: verdict.subject,
      denied_outcome: node.denied_outcome,
      expires_after_seconds: verdict.expires_after_seconds ?? null,
    }
    const answer = answerTo(engine.workspace.asKnown, run, question, request.request_id)
    if (answer.answer === 'denied') return { judgement: 'denied', approval: answer.approval }
    if (answer.answer === 'open') return { judgement: 'ask', question, when }
  }
  return PASS
}

/** What a validator may print, and an agent’s last words it may read. */
const PRINTED_BYTES_MAX = 4 * 1024 * 1024

async function verdictOf(engine: Engine, name: string, request: StageRequest, raw: RawResult | null): Promise<Verdict> {
  const validator = engine.config.validators[name]
  if (!validator) return failed(`the validator ${name} is not in the config any more`)
  const input: ValidatorInput = {
    schema_version: '1.0',
    kind: 'validator_input',
    validator: name,
    when: raw === null ? 'before' : 'after',
    request: { ...request },
    ending: raw?.ending ?? null,
    final_message: raw?.final_message ?? null,
  }
  return verdictFrom(engine, name, validator, `${JSON.stringify(input)}\n`)
}

async function verdictFrom(engine: Engine, name: string, validator: ValidatorConfig, stdin: string): Promise<Verdict> {
  const { command, args, timeout_seconds, env_pass } = validator
  const ended = await engine.ports.exec(command, args, {
    cwd: engine.options.workspaceRoot,
    env: agentEnvironment(engine.ports.environment, { prefixes: [], pass: env_pass, set: {} }),
    stdin,
    timeoutMs: timeout_seconds * 1000,
    outputBytesMax: PRINTED_BYTES_MAX,
  })
  if (ended.timedOut) return failed(`the validator ${name} did not end within ${timeout_seconds} s`)
  if (ended.truncated) return failed(`the validator ${name} printed more than ${PRINTED_BYTES_MAX} bytes`)
  if (ended.code === 127) return failed(`the validator ${name} cannot be started: there is no program ${command}`)
  if (ended.code !== 0) {
    const said = ended.stderr.trim().slice(-500)
    return failed(`the validator ${name} ended with ${ended.code ?? 'a signal'}${said ? `: ${said}` : ''}`)
  }
  return parseVerdict(name, ended.stdout)
}
