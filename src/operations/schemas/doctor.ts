/** What doctor, schema and version give. */
import * as z from 'zod'

export const LEVELS = ['error', 'warning', 'info'] as const

export const Finding = z.strictObject({
  level: z.enum(LEVELS).describe('`error`: something does not work. `info`: worth knowing, nothing to mend.'),
  code: z.string().describe('What kind of finding; stable.'),
  path: z.string().nullable().describe('File or folder concerned, relative to the workspace.'),
  message: z.string().describe('What is the matter.'),
  remedy: z.string().nullable().describe('How to mend it.'),
})
export type Finding = z.infer<typeof Finding>

export const Doctor = z
  .strictObject({
    ok: z.boolean().describe('Whether there is no error.'),
    errors: z.int().min(0).describe('Errors found.'),
    warnings: z.int().min(0).describe('Warnings found.'),
    findings: z.array(Finding).describe('Errors first, then by path, code and message.'),
  })
  .describe('What is wrong with the workspace and how to mend it.')
export type DoctorOutput = z.infer<typeof Doctor>

const status = z.enum(['pass', 'warn', 'fail'])
const count = (what: string) => z.int().min(0).describe(what)

export const Health = z
  .strictObject({
    workspace: z.string().describe('The workspace.'),
    config_path: z.string().describe('Its config.'),
    status: status.describe('The worst of all checks.'),
    ok: z.boolean().describe('Whether no check fails.'),
    bootstrap_ready: z.boolean().describe('Whether there is a workspace that can be worked in.'),
    total_checks: count('Checks made.'),
    passed_checks: count('Checks that passed.'),
    warning_checks: count('Checks with a warning.'),
    failed_checks: count('Checks that failed.'),
    checks: z.array(
      z.strictObject({
        check_id: z.string().describe('Which check; stable.'),
        category: z.enum(['config', 'workspace', 'assets']).describe('What it is about.'),
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
