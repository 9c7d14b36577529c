/** Starting a program of ours that goes on after us: the daemon. It tells us through a channel once it is at work. */
import type { Detach, Detached } from '../core/exec.ts'
import { withoutStage } from './environment.ts'
import { spawnAlone } from './process.ts'

/** What a program says on the channel to whoever started it. */
const READY = 'millrace is at work'

/** The `detach` port. */
export const detach: Detach = async (file, args, { cwd, env, output }) => {
  let child: ReturnType<typeof spawnAlone>
  try {
    // Started by an agent, it would carry the agent's mark and be swept away with it.
    child = spawnAlone(file, args, cwd, withoutStage(env), output)
  } catch (error) {
    return { problem: (error as Error).message }
  }
  const { pid } = child
  if (pid === undefined) {
    const error = await new Promise<Error>((resolve) => child.once('error', resolve))
    return { problem: error.message }
  }
  child.on('error', () => {}) // what follows a successful start is told by `exit`
  const begun = new Promise<Awaited<Detached['begun']>>((resolve) => {
    child.on('message', (message) => {
      if (message === READY) resolve({ ready: true })
    })
    child.once('exit', (code, signal) => resolve({ ready: false, code, signal }))
  })
  const leave = () => {
    if (child.connected) child.disconnect()
    child.unref()
  }
  return { pid, begun, leave }
}

/** Tells whoever started this process that it is at work, if they want to know. */
export function tellReady(): void {
  // They may have gone meanwhile, which is theirs to do.
  if (process.connected) process.send?.(READY, () => {})
}
