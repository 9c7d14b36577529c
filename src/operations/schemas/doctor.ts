/** What doctor, schema and version give. */
import * as z from 'zod'
import { FINDING_CODES, LEVELS } from '../doctor/findings.ts'

export const Finding = z.strictObject({
  level: z.enum(LEVELS).describe('`error`: something does not work. `info`: worth knowing, nothing to mend.'),
  code: z.enum(FINDING_CODES).describe('What kind of finding; stable.'),
  path: z.string().nullable().describe('File or folder concerned, relative to the workspace.'),
  message: z.string().describe('What is the matter.'),
  remedy: z.string().nullable().describe('How to mend it.'),
})
export type Finding = z.infer<typeof Finding>

export const Fix = z.strictObject({
  code: z.enum(FINDING_CODES).describe('The finding that is mended.'),
  path: z.string().nullable().describe('File or folder concerned, relative to the workspace.'),
  action: z.string().describe('What is done about it.'),
  applied: z.boolean().describe('Whether it was done.'),
})
export type Fix = z.infer<typeof Fix>

export const Doctor = z
  .strictObject({
    ok: z.boolean().describe('Whether there is no error.'),
    errors: z.int().min(0).describe('Errors found.'),
    warnings: z.int().min(0).describe('Warnings found.'),
    findings: z.array(Finding).describe('What is found now. Errors first, then by path, code and message.'),
    fixable: z.int().min(0).describe('Findings that --fix can mend.'),
    fixes: z.array(Fix).describe('With --fix: what would be done, or was.'),
  })
  .describe('What is wrong with the workspace and how to mend it.')
export type DoctorOutput = z.infer<typeof Doctor>

const status = z.enum(['pass', 'warn', 'fail'])
const count = (what: string) => z.int().min(0).describe(what)

const Prerequisite = z.strictObject({
  runner: z.string().describe('Runner.'),
  executable: z.string().nullable().describe('Its program; null where nobody said which.'),
  available: z.boolean().describe('Whether the program is there.'),
  auth_status: z
    .enum(['ok', 'missing', 'unknown'])
    .describe('Whether there is something to log in with; whether it is valid shows with the first stage.'),
  message: z.string().describe('What was found, in a sentence.'),
  resolved_path: z.string().nullable().describe('Where the program lies.'),
  affected_stage_nodes: z.array(z.string()).describe('Nodes of the plan that need it.'),
  affected_stages: z.array(z.string()).describe('Their kinds of stages.'),
  details: z.array(z.string()).describe('How to mend it.'),
})
export type Prerequisite = z.infer<typeof Prerequisite>

export const Health = z
  .strictObject({
    workspace: z.string().describe('The workspace.'),
    config_path: z.string().describe('Its config.'),
    config_source_kind: z.enum(['native_toml', 'unresolved']).describe('`unresolved`: it cannot be read.'),
    bundle_version: z.string().describe('Version of the package.'),
    status: status.describe('The worst of all checks.'),
    ok: z.boolean().describe('Whether no check fails.'),
    bootstrap_ready: z.boolean().describe('Whether config, folders, files and assets are in order.'),
    execution_ready: z.boolean().describe('Whether the programs of the agents are there too.'),
    total_checks: count('Checks made.'),
    passed_checks: count('Checks that passed.'),
    warning_checks: count('Checks with a warning.'),
    failed_checks: count('Checks that failed.'),
    runner_prerequisites: z.array(Prerequisite).describe('Programs that the stages of the mode need, by runner.'),
    checks: z.array(
      z.strictObject({
        check_id: z.string().describe('Which check; stable.'),
        category: z.enum(['config', 'workspace', 'assets', 'execution']).describe('What it is about.'),
        status: status.describe('How it went.'),
        message: z.string().describe('What was found, in a sentence.'),
        details: z.array(z.string()).describe('Everything that was found, each with how to mend it.'),
      }),
    ),
  })
  .describe('Whether the workspace itself is in order.')
export type HealthOutput = z.infer<typeof Health>

export const Version = z
  .strictObject({
    name: z.literal('millrace').describe('Name of the package.'),
    version: z.string().describe('Its version.'),
    node: z.string().describe('Version of Node.js that runs it.'),
    platform: z.string().describe('Operating system and processor.'),
  })
  .describe('Name and version.')

export const SchemaIndex = z
  .strictObject({
    schemas: z.array(z.string()).describe('What `millrace schema NAME` knows: commands, and document.<kind>.'),
  })
  .describe('Schemas there are. With a name: the JSON Schema itself.')
