/** The page on error codes and exit statuses. */
import { DIAGNOSTIC_CODES } from '../src/core/diagnostics.ts'
import { ERROR_CODES, EXIT } from '../src/core/errors.ts'
import { code, page, table } from './markdown.ts'

const KINDS = {
  done: 'What was asked for is done. A change that was only queued under `--no-wait` counts as done.',
  failed:
    'It was tried and did not succeed, a question could not be answered, or an examination found something wrong.',
  usage: 'The command line is wrong; nothing was tried.',
  refused:
    'A change was refused, or not applied in time; nothing was changed, or it is still queued and the answer says so.',
  interrupted:
    'Ended by Ctrl-C while something was being changed. Looking on (`--follow`, `status watch`) ends with 0.',
} as const satisfies Record<keyof typeof EXIT, string>

export function errorsPage(): string {
  return page(
    'Errors and exit statuses',
    'Every failure is one sentence on stderr: what is wrong and where, and below it how to mend it. With `--json` the same is one object on stdout, `{ "error": { "code", "message", "hint" } }` (`millrace schema error`). Codes are never renamed.',
    '## Exit statuses',
    table(
      ['status', 'means', 'when'],
      Object.entries(EXIT).map(([kind, status]) => [code(String(status)), kind, KINDS[kind as keyof typeof EXIT]]),
    ),
    '## Error codes',
    table(
      ['code', 'status', 'meaning'],
      Object.entries(ERROR_CODES).map(([name, { kind, text }]) => [code(name), String(EXIT[kind]), text]),
    ),
    '## Diagnostics of the compiler',
    '`millrace compile validate` and `millrace config validate` say what is wrong with a mode and its assets. Each finding has one of these codes, the file, the place in it, and how to mend it.',
    table(
      ['code', 'meaning'],
      Object.entries(DIAGNOSTIC_CODES).map(([name, text]) => [code(name), text]),
    ),
  )
}
