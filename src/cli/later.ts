/** Commands that exist by name so that scripts get a clear answer, and arrive with a later version. */
import { EXIT } from '../core/errors.ts'
import { VERSION } from './version.ts'

/** Answers `--version`; anything else is refused with one sentence. Gives the exit status. */
export function arrivesLater(name: string, argv: readonly string[]): number {
  if (argv.includes('--version')) {
    process.stdout.write(`${name} ${VERSION}\n`)
    return EXIT.done
  }
  process.stderr.write(`error: ${name} arrives with a later version of Millrace; use \`millrace\` until then.\n`)
  return EXIT.usage
}
