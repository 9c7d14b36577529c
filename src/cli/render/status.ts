/** How the outputs of these commands read as text. */
import type { Look } from '../look.ts'

export function status(output: object, _look: Look): string {
  return JSON.stringify(output)
}
