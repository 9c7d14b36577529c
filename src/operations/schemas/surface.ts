/** What the command line itself gives with --json, whatever the verb: failures, help, and the end of watching. */
import * as z from 'zod'
import { ERROR_CODES, type ErrorCode } from '../../core/errors.ts'

const codes = Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]

export const ErrorRecord = z
  .strictObject({
    code: z.enum(codes).describe('What kind of failure; decides the exit status.'),
    message: z.string().describe('What is wrong and where, in a sentence.'),
    hint: z.string().describe('How to mend it.').optional(),
  })
  .describe('Why a command failed.')

export const Failure = z.strictObject({ error: ErrorRecord }).describe('What any command prints where it fails.')

export const Help = z
  .strictObject({ help: z.string().describe('The text of the help.') })
  .describe('Help of a command.')

export const WatchEnd = z
  .strictObject({
    end: z.strictObject({
      reason: z.enum(['max_updates', 'interrupted', 'closed', 'error']).describe('Why it ended.'),
      updates: z.int().min(0).describe('Updates that were shown.'),
      error: ErrorRecord.optional(),
    }),
  })
  .describe('The last line.')
