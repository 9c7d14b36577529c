/** How the outputs of these commands read as text. */
import type { Look } from '../look.ts'

export function ls(output: object, _look: Look): string {
  return JSON.stringify(output)
}

export function show(output: object, _look: Look): string {
  return JSON.stringify(output)
}

export function added(output: object, _look: Look): string {
  return JSON.stringify(output)
}

export function moved(output: object, _look: Look): string {
  return JSON.stringify(output)
}
