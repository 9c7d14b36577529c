/** How the outputs of these commands read as text. */
import type { Look } from '../look.ts'

export function ls(output: object, _look: Look): string {
  return JSON.stringify(output)
}

export function show(output: object, _look: Look): string {
  return JSON.stringify(output)
}

export function trace(output: object, _look: Look): string {
  return JSON.stringify(output)
}

export function tail(output: object, _look: Look): string {
  return JSON.stringify(output)
}
