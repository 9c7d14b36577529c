/** The lock file of the Python runtime: whether its holder may still be at work. */
import * as os from 'node:os'
import { MillraceError } from '../../core/errors.ts'
import { record, text } from '../../core/shape.ts'
import { type Files, utf8 } from '../files.ts'
import { AT, type Places } from '../layout.ts'
import type { Processes } from '../lock.ts'

const isPid = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0
const isPythonLock = record({ workspace_root: text, owner_pid: isPid, owner_hostname: text, owner_session_id: text })

export interface PythonLock {
  bytes: Uint8Array
  /** What it is, for people. */
  note: string
}

/** Null where there is none. Throws `lock_held` while its holder lives, or where that cannot be told. */
export function pythonLock(files: Files, places: Places, processes: Processes): PythonLock | null {
  const bytes = files.read(places.at(AT.lockFile))
  if (bytes === null) return null
  const lock = lockIn(bytes)
  if (lock === null) return { bytes, note: 'the lock is unreadable, so nobody can hold it' }
  const { owner_session_id, workspace_root, owner_hostname: host, owner_pid: pid } = lock
  // A copy that a holder of ours keeps for old runtimes; its generation is judged by who takes the next one.
  if (owner_session_id.startsWith('generation-')) return null
  if (workspace_root !== places.root && workspace_root !== files.realpath(places.root))
    return { bytes, note: `the lock is one of ${workspace_root}, from where the workspace was moved or copied` }
  if (host !== os.hostname()) {
    const what = `The workspace is locked by process ${pid} on ${host}; whether that lives cannot be told from here.`
    throw new MillraceError('lock_held', what, {
      hint: `if you know it is gone, move millrace-agents/${AT.lockFile} away`,
    })
  }
  const found = processes.identify(pid)
  if (found === null || found.zombie) return { bytes, note: `the lock is stale: process ${pid} is gone` }
  throw new MillraceError('lock_held', `The Python runtime owns the workspace: process ${pid}.`, {
    hint: `stop that runtime first; if process ${pid} is something else by now, move millrace-agents/${AT.lockFile} away`,
  })
}

function lockIn(bytes: Uint8Array) {
  try {
    const value: unknown = JSON.parse(utf8.decode(bytes))
    return isPythonLock(value) ? value : null
  } catch {
    return null
  }
}
