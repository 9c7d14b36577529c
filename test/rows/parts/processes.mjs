/** The processes of a row: all of them carry its throw-away HOME in their environment. Linux only, elsewhere none. */
import { readdirSync, readFileSync } from 'node:fs'

/** Ids of the living processes with exactly this `NAME=value`, ourselves left out. */
export function processesWith(assignment) {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => environmentOf(pid).includes(assignment))
    .map(Number)
}

/** Kills them, those too that are started meanwhile. */
export function endProcessesWith(assignment) {
  for (let round = 0; round < 10; round++) {
    const pids = processesWith(assignment)
    if (pids.length === 0) return
    for (const pid of pids) kill(pid)
  }
}

function environmentOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
  } catch {
    return []
  }
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Gone by itself.
  }
}
