/**
 * Running a short program to its end: git, validators, version probes. Bounded in time and output, never rejects.
 * Agents are not run this way: they are started detached and outlive the runtime.
 */
import type { Clock } from '../core/clock.ts'
import type { Exec, ExecOptions, ExecResult } from '../core/exec.ts'
import { processIdentity, spawnPiped } from './process.ts'

/** A program that has ended may leave a child holding its output; nobody waits for that longer than this. */
const DRAIN_MS = 200

/** The `exec` port. On a timeout, an abort or too much output the whole process group is killed. */
export function execWith(clock: Clock): Exec {
  return (file, args, options) => new Promise((resolve) => run(clock, file, args, options, resolve))
}

function run(
  clock: Clock,
  file: string,
  args: readonly string[],
  options: ExecOptions,
  resolve: (result: ExecResult) => void,
): void {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  const timers: (() => void)[] = []
  let bytes = 0
  let code: number | null = null
  let timedOut = false
  let truncated = false

  const result = (problem = ''): ExecResult => ({
    code,
    stdout: Buffer.concat(stdout).toString(options.encoding ?? 'utf8'),
    stderr: Buffer.concat(stderr).toString(options.encoding ?? 'utf8') + problem,
    timedOut,
    truncated,
  })

  let child: ReturnType<typeof spawnPiped>
  try {
    child = spawnPiped(file, args, options.cwd, { ...options.env })
  } catch (error) {
    code = 126 // an argument that no process can be given, such as one with a NUL byte
    resolve(result((error as Error).message))
    return
  }

  const finish = (problem?: string): void => {
    for (const cancel of timers) cancel()
    options.signal?.removeEventListener('abort', end)
    child.stdout.destroy()
    child.stderr.destroy()
    resolve(result(problem))
  }
  const end = (): void => {
    if (child.pid !== undefined) processIdentity.kill(-child.pid, 'SIGKILL')
  }
  const collect = (chunks: Buffer[]) => (chunk: Buffer) => {
    if (truncated) return
    const room = options.outputBytesMax - bytes
    bytes += chunk.length
    chunks.push(chunk.subarray(0, room))
    if (chunk.length <= room) return
    truncated = true
    end()
  }

  child.stdout.on('data', collect(stdout))
  child.stderr.on('data', collect(stderr))
  child.stdin.on('error', () => {}) // it need not read its input
  child.stdin.end(options.stdin ?? '')
  child.once('error', (error: NodeJS.ErrnoException) => {
    code = error.code === 'ENOENT' ? 127 : 126
    finish(error.message)
  })
  child.once('exit', (status) => {
    code = status
    timers.push(clock.after(DRAIN_MS, finish))
  })
  child.once('close', () => finish())
  options.signal?.addEventListener('abort', end)
  if (options.signal?.aborted) end()
  timers.push(
    clock.after(options.timeoutMs, () => {
      timedOut = true
      end()
    }),
  )
}
