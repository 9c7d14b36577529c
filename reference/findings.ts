/** The page on what doctor and health find. */
import { FINDINGS } from '../src/operations/doctor/findings.ts'
import { code, page, table } from './markdown.ts'

export function findingsPage(): string {
  return page(
    'Findings',
    'What `millrace doctor` and `millrace health` report: each finding has one of these codes, how grave it is, what is the matter, and how to mend it. A sound workspace has no error and no warning. `millrace doctor --fix` says what can be mended safely, and `millrace doctor --fix --apply` mends it; the rest is for a person to decide. Codes are never renamed.',
    table(
      ['code', 'level', 'meaning', 'remedy', '`--fix --apply`'],
      Object.entries(FINDINGS).map(([name, { levels, meaning, remedy, fix }]) => [
        code(name),
        levels.join(', '),
        meaning,
        remedy ?? '–',
        fix ?? '–',
      ]),
    ),
  )
}
