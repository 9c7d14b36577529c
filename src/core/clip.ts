/** Cutting what others wrote to a length that a person reads and a record can hold. */
import type * as z from 'zod'

/** At most `charsMax` UTF-16 units, never half a character; what was cut ends in an ellipsis. */
export function clip(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}

/** Problems named in one sentence; a megabyte of nonsense has as many as it has lines. */
const PROBLEMS_MAX = 20
const PROBLEM_CHARS_MAX = 300

/** Problems as one text: the first of them in full, then how many more there are. */
export function problemsText(problems: readonly string[], problemsMax = PROBLEMS_MAX): string {
  const shown = problems.slice(0, problemsMax).map((problem) => clip(problem, PROBLEM_CHARS_MAX))
  const more = problems.length - shown.length
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
}

/** What a schema found, each with the place it concerns. */
export function issuesText(issues: readonly z.core.$ZodIssue[], issuesMax = PROBLEMS_MAX): string {
  const problems = issues.map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
  return problemsText(problems, issuesMax)
}
