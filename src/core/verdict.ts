/** The closure verdict: what an arbiter stage must hand over as JSON, criterion by criterion. */
import * as z from 'zod'
import { clip, issuesText } from './clip.ts'
import { ID_LENGTH_MAX } from './ids.ts'

export const Verdict = z
  .strictObject({
    schema_version: z.literal('1.0'),
    kind: z.literal('closure_verdict'),
    root_spec_id: z.string().min(1),
    verdict: z.enum(['pass', 'gap', 'blocked']),
    criteria: z
      .array(
        z.strictObject({
          id: z.string().min(1),
          text: z.string().min(1).describe('What had to be true.'),
          result: z.enum(['pass', 'fail', 'unverified']),
          evidence: z.array(z.string()).describe('Commands, files and observations the judgement rests on.'),
        }),
      )
      .min(1),
    summary: z.string(),
  })
  .describe('Judgement of finished work against its root spec.')
export type Verdict = z.infer<typeof Verdict>

/** Of the criteria that are open, as many are named as a person reads. */
const OPEN_CHARS_MAX = 1000

/**
 * Why a verdict does not support an outcome, or null if it does.
 * A success needs `pass` with every criterion passed; a followup needs `gap` with one that is not.
 */
export function verdictObjection(text: string, rootSpecId: string | null, resultClass: string): string | null {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    return `the verdict is not JSON: ${(error as Error).message}`
  }
  const parsed = Verdict.safeParse(json)
  if (!parsed.success) return `the verdict does not follow its schema: ${issuesText(parsed.error.issues)}`
  const { verdict, criteria, root_spec_id } = parsed.data
  if (rootSpecId !== null && root_spec_id !== rootSpecId)
    return `the verdict judges ${clip(root_spec_id, ID_LENGTH_MAX)}, not ${rootSpecId}`
  const open = criteria.filter((criterion) => criterion.result !== 'pass').map((criterion) => criterion.id)
  if (resultClass === 'success' && (verdict !== 'pass' || open.length > 0)) {
    return verdict === 'pass'
      ? `the verdict says pass, but criteria ${clip(open.join(', '), OPEN_CHARS_MAX)} did not`
      : `the verdict says ${verdict}`
  }
  if (resultClass === 'followup_needed' && (verdict !== 'gap' || open.length === 0))
    return `a gap was reported, but the verdict says ${verdict} with ${open.length} open criteria`
  return null
}
