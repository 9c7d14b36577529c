/**
 * Validators: programs that judge what a stage is about to get, or what it has left. A stage kind names them; the config
 * says what each one starts. A validator reads one JSON object on stdin and prints one on stdout, its verdict.
 */
import * as z from 'zod'
import { tick } from './boundary.ts'
import { CapabilityId } from './capability.ts'
import { clip, issuesText } from './clip.ts'
import { OutcomeName } from './stage.ts'

export const ValidatorConfig = z.strictObject({
  command: z.string().min(1).meta(tick('Program to start, in the workspace.')),
  args: z.array(z.string()).default([]).meta(tick('Its arguments.')),
  timeout_seconds: z.int().min(1).default(120).meta(tick('A validator that takes longer counts as failed.')),
  env_pass: z.array(z.string()).default([]).meta(tick('Names of environment variables to pass on.')),
})
export type ValidatorConfig = z.infer<typeof ValidatorConfig>

const findings = z.array(z.string().min(1).max(2000)).max(50)

/** What a validator prints. */
export const Verdict = z.discriminatedUnion('verdict', [
  z.strictObject({ verdict: z.literal('pass') }).describe('Nothing stands against it.'),
  z
    .strictObject({
      verdict: z.literal('fail'),
      outcome: OutcomeName.optional().describe('Outcome it counts as; without it the failure outcome of the node.'),
      findings: findings.min(1).describe('What is wrong, and how to mend it: one sentence each.'),
    })
    .describe('The stage counts as another outcome.'),
  z
    .strictObject({
      verdict: z.literal('ask'),
      question: z.string().min(1).max(1000).describe('What a person is to decide, in a sentence.'),
      capability_id: CapabilityId.default('approval.request').describe('What is to be allowed.'),
      subject: z
        .string()
        .max(1_000_000)
        .describe(
          'What the answer is about, such as a diff: it holds for this text alone, and is asked anew for another.',
        ),
      expires_after_seconds: z.int().min(1).optional().describe('Time after which no answer counts as a denial.'),
    })
    .describe('A person is asked; the item waits for the answer.'),
])
export type Verdict = z.infer<typeof Verdict>

/** What a validator reads. */
export interface ValidatorInput {
  schema_version: '1.0'
  kind: 'validator_input'
  validator: string
  when: 'before' | 'after'
  /** The stage request, as it lies in the run folder. */
  request: Record<string, unknown>
  /** How the stage ended; null before it. */
  ending: string | null
  final_message: string | null
}

const PRINTED_CHARS_MAX = 300

/** The verdict in what a validator printed; a failing one that says why where it is none. */
export function parseVerdict(name: string, printed: string): Verdict {
  let value: unknown
  try {
    value = JSON.parse(printed)
  } catch {
    const shown = clip(printed.trim(), PRINTED_CHARS_MAX)
    return failed(`the validator ${name} printed no JSON object: ${JSON.stringify(shown)}`)
  }
  const parsed = Verdict.safeParse(value)
  return (
    parsed.data ?? failed(`the verdict of the validator ${name} is not valid: ${issuesText(parsed.error!.issues, 3)}`)
  )
}

export const failed = (finding: string): Verdict => ({ verdict: 'fail', findings: [finding] })
