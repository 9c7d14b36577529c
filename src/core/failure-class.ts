/**
 * Failures of a stage that may end the passage of its item, and of which of them may pass by themselves: a machine under
 * load, a provider that hangs. Only these are worth another passage that nobody asked for. Failures of the surroundings
 * whose cause is known (`environment_…`) never end one: the stage waits for them, and then the runtime does.
 */
import type { FAILURE_CLASSES } from './result.ts'

type Ends = Exclude<(typeof FAILURE_CLASSES)[number], `environment_${string}` | 'session_gone'>

/** Where the trouble lies (spec 01 §4.18.2). */
export const FAILURE_SCOPES = [
  'environment',
  'provider',
  'local_configuration',
  'contract',
  'runtime_policy',
  'semantic',
  'unknown',
] as const
export type FailureScope = (typeof FAILURE_SCOPES)[number]

interface FailureKind {
  scope: FailureScope
  mayPass: boolean
  /** Why it may pass or may not, after "because". */
  because: string
}

const UNKEPT = { scope: 'contract', mayPass: false, because: 'the stage did not leave what it owes' } as const

const FAILURE_KINDS: Readonly<Record<Ends, FailureKind>> = {
  runner_timeout: {
    scope: 'environment',
    mayPass: true,
    because: 'the time limit cut its stage off, and how long one takes is up to the surroundings too',
  },
  runner_stalled: {
    scope: 'provider',
    mayPass: true,
    because: 'its agent had fallen silent, as one does whose provider hangs',
  },
  provider_failure: {
    scope: 'provider',
    mayPass: true,
    because: 'the provider of the model failed',
  },
  runner_transport_failure: {
    scope: 'unknown',
    mayPass: false,
    because: 'the program of its stage failed for a reason that nobody knows',
  },
  runner_output_limit: {
    scope: 'runtime_policy',
    mayPass: false,
    because: 'its agent would print more than allowed again',
  },
  runner_over_budget: {
    scope: 'runtime_policy',
    mayPass: false,
    because: 'a rule on usage ended it, and another attempt would use still more',
  },
  context_overflow: {
    scope: 'semantic',
    mayPass: false,
    because: 'the work has outgrown the context window of the model',
  },
  missing_terminal_result: UNKEPT,
  illegal_terminal_result: UNKEPT,
  conflicting_terminal_results: UNKEPT,
  missing_required_artifact: UNKEPT,
  document_invalid: UNKEPT,
  hand_in_missing: UNKEPT,
  verdict_not_pass: UNKEPT,
}

/** What is known of a failure class; null for one that no runner reports. */
export const failureKind = (name: unknown): FailureKind | null =>
  typeof name === 'string' && Object.hasOwn(FAILURE_KINDS, name) ? FAILURE_KINDS[name as Ends] : null
