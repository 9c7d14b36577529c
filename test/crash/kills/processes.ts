/**
 * The process table, read without the product's own eyes. What the runtime promises to end is what carries a request's
 * marker in its environment; agents of other workspaces are told apart by their run folder.
 */
import * as fs from 'node:fs'

export interface AgentProcess {
  pid: number
  parent: number
  requestId: string
  /** True of the shell that waits for the agent and leaves its exit record. */
  isKeeper: boolean
  command: string
}

/** Every living process that carries a marker of this workspace. */
export function agentProcesses(runsFolder: string): AgentProcess[] {
  return pids().flatMap((pid) => {
    const environment = textOf(`/proc/${pid}/environ`)
    if (!environment.includes(`MILLRACE_RUN_DIR=${runsFolder}/`)) return []
    const requestId = /(?:^|\0)MILLRACE_REQUEST_ID=([^\0]*)\0/.exec(environment)?.[1]
    const parent = parentOf(pid)
    if (requestId === undefined || parent === null) return []
    const command = commandOf(pid)
    return [{ pid, parent, requestId, isKeeper: command.includes(' millrace-keeper '), command }]
  })
}

/** Of these pids, the ones that are processes with this text in their arguments. */
export function livingWith(text: string, candidates: readonly number[]): number[] {
  return candidates.filter((pid) => parentOf(pid) !== null && commandOf(pid).includes(text))
}

export function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Gone already.
  }
}

function pids(): number[] {
  return fs.readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []))
}

/** Null if there is no such process, or only a zombie. */
function parentOf(pid: number): number | null {
  const stat = textOf(`/proc/${pid}/stat`)
  const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return state === undefined || parent === undefined || 'ZX'.includes(state) ? null : Number(parent)
}

const commandOf = (pid: number): string => textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').slice(0, 300)

function textOf(file: string): string {
  try {
    return fs.readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
