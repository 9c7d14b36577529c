/** Finds processes by a variable of their environment, and ends them. Linux only: it reads /proc. */
import { readdirSync, readFileSync } from 'node:fs'

/** Processes whose environment holds an assignment (`NAME=value`), as `pid command`. */
export function processesWith(assignment: string): string[] {
  const found: string[] = []
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
      if (environment.includes(assignment))
        found.push(`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`)
    } catch {
      // It ended meanwhile, or is not ours to read.
    }
  }
  return found
}

/** Ends whatever still carries the assignment, so that a failed test leaves nothing behind. */
export function endProcessesWith(assignment: string): void {
  for (const found of processesWith(assignment)) {
    try {
      process.kill(Number.parseInt(found, 10), 'SIGKILL')
    } catch {
      // It ended by itself.
    }
  }
}
