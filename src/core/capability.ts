/**
 * Capabilities: what a stage may need that not every workspace gives. A stage kind, a node or the config says what a
 * stage requires; `[execution_capabilities]` says of each whether it is allowed, denied, or a person is asked before
 * the stage starts. What is merely allowed nobody holds an agent to: such a grant is advisory, and says so.
 */
import * as z from 'zod'
import { claim } from './boundary.ts'

/** The capabilities there are (ids of the Python runtime); any other id is governed by the default for unknown ones. */
export const CAPABILITIES = {
  'workspace.read': 'Read files of the workspace.',
  'workspace.write': 'Change files of the workspace.',
  'artifact.read': 'Read files of the run folder.',
  'artifact.write': 'Write files of the run folder.',
  'runner.invoke': 'Start the agent.',
  'shell.run': 'Run programs.',
  'git.read': 'Read the history of the repository.',
  'git.mutate': 'Change the repository: commits, branches, tags.',
  'package.install': 'Install packages.',
  'network.access': 'Reach the network.',
  'approval.request': 'Ask a person.',
  'evidence.emit': 'Leave evidence for others.',
  'runtime.control': 'Give commands to the runtime.',
} as const

/** Underscores are another spelling of the dot. */
export const CapabilityId = z
  .string()
  .regex(/^[a-z][a-z0-9]*(?:[._][a-z0-9]+)+$/, 'a capability such as git.mutate')
  .overwrite((id) => id.replaceAll('_', '.'))
  .describe('Capability, such as git.mutate.')

const DECISIONS = ['allow', 'deny', 'approval_required'] as const
const Decision = z.enum(DECISIONS)
type Decision = z.infer<typeof Decision>

/** Nothing keeps an agent off the network, so that denying it by default would promise what nobody holds. */
const DEFAULTS: Record<string, Decision> = {
  ...Object.fromEntries(Object.keys(CAPABILITIES).map((id) => [id, 'allow' as const])),
  'package.install': 'approval_required',
  'git.mutate': 'approval_required',
  'approval.request': 'approval_required',
}

export const ExecutionCapabilitiesConfig = z.strictObject({
  enabled: z.boolean().default(true).meta(claim('Look at what stages require; false starts them all unasked.')),
  default_unknown_capability: Decision.default('deny').meta(
    claim('What holds for a required capability that neither Millrace nor `defaults` knows.'),
  ),
  allow_advisory_grants: z
    .boolean()
    .default(true)
    .meta(
      claim('Accept what is allowed although nothing holds an agent to it; false refuses to compile such a stage.'),
    ),
  fail_required_advisory: z
    .boolean()
    .default(false)
    .meta(claim('Refuse to compile a stage that requires what is allowed but not enforced.')),
  expires_after_seconds: z
    .int()
    .min(0)
    .default(0)
    .meta(
      claim(
        'Time after which a required capability nobody answered for counts as denied; 0 waits as long as it takes.',
      ),
    ),
  defaults: z
    .record(CapabilityId, Decision)
    .default({})
    .meta(claim('What holds for a required capability: allow, deny or approval_required; by capability.')),
})
export type ExecutionCapabilitiesConfig = z.infer<typeof ExecutionCapabilitiesConfig>

/** What was decided about one capability that a node requires. */
export const Grant = z
  .strictObject({
    capability_id: z.string(),
    decision: z.enum(['granted', 'denied', 'approval_required']),
    enforcement: z
      .enum(['runtime', 'advisory'])
      .describe('`runtime`: the stage is not started without it. `advisory`: nothing holds the agent to it.'),
    origin: z.string().describe('Who requires it: stage kind, node or config.'),
    expires_after_seconds: z.int().nullable().describe('Time a question about it waits for an answer; null: no end.'),
  })
  .describe('A capability a node requires, and what was decided about it.')
export type Grant = z.infer<typeof Grant>

/** Grants for what is required, each capability once; the first origin counts. None while capabilities are not looked at. */
export function grantsFor(
  required: readonly (readonly [origin: string, ids: readonly string[]])[],
  config: ExecutionCapabilitiesConfig,
): Grant[] {
  const grants = new Map<string, Grant>()
  for (const [origin, ids] of config.enabled ? required : [])
    for (const id of ids) if (!grants.has(id)) grants.set(id, grantOf(id, origin, config))
  return [...grants.values()]
}

function grantOf(capability_id: string, origin: string, config: ExecutionCapabilitiesConfig): Grant {
  const decision =
    (Object.hasOwn(config.defaults, capability_id) ? config.defaults[capability_id] : undefined) ??
    (Object.hasOwn(DEFAULTS, capability_id) ? DEFAULTS[capability_id] : undefined) ??
    config.default_unknown_capability
  return {
    capability_id,
    decision: decision === 'allow' ? 'granted' : decision === 'deny' ? 'denied' : 'approval_required',
    enforcement: decision === 'allow' ? 'advisory' : 'runtime',
    origin,
    expires_after_seconds: config.expires_after_seconds === 0 ? null : config.expires_after_seconds,
  }
}
