/** How the outputs of these commands read as text. */
import type { Look } from '../look.ts'

export function validate(output: object, _look: Look): string {
  return JSON.stringify(output)
}

export function show(output: object, _look: Look): string {
  return JSON.stringify(output)
}

export function graph(output: object, _look: Look): string {
  return JSON.stringify(output)
}

export function modesList(output: object, _look: Look): string {
  return JSON.stringify(output)
}

export function modesShow(output: object, _look: Look): string {
  return JSON.stringify(output)
}
