/** How the version reads as text. */
import type { VersionOutput } from '../../operations/version.ts'
import type { Look } from '../look.ts'

export function version(output: VersionOutput, _look: Look): string {
  return `${output.name} ${output.version}`
}
