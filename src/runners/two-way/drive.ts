/**
 * Speaks one protocol with one program, from the first message to the program's end: lines in, messages out, the log
 * printed. Knows no protocol; those are machines (two-way.ts). Used by the driver, a program of its own (driver.ts).
 */
import type { Clock } from '../../core/clock.ts'
import { type Line, lineSplitter } from '../lines.ts'
import { processIdentity, type spawnPartner } from '../process.ts'
import type { Protocol, Step } from './protocol.ts'

/** Longer than what runtime and transcript read of a line: some lines repeat a whole session. */
const LINE_BYTES_MAX = 16 * 1024 * 1024
/** A program that asks and asks but never reads our answers is not listened to until it has. */
const UNREAD_BYTES_MAX = 8 * 1024 * 1024
/** Time a program gets to answer an abort. */
const ABORT_MS = 2000
/** Time it gets to leave, first by itself as its stdin has ended, then after TERM. */
const LEAVE_MS = 1000
/** A program that has ended may have left a child that holds its output. */
const DRAIN_MS = 500
/** After KILL nothing but a dead disk keeps a process. */
const KILLED_MS = 2000
const ALIVE_MS = 1000

/** Exit status after an abort that the program did not answer, as a shell tells of a process ended by TERM. */
const ABORTED_STATUS = 143

interface Talk {
  program: ReturnType<typeof spawnPartner>
  protocol: Protocol
  prompt: string
  /** Time the program gets to print its first line. */
  startMs: number
  clock: Clock
  /** Takes a whole line of the event log; may throw, as a full disk makes it. */
  print(line: string): void
  /** Takes a sentence on why the work could not be carried to its end. */
  complain(sentence: string): void
}

interface Driven {
  /** Exit status for the driver, once the program is gone. Never rejects. */
  ended: Promise<number>
  /** Begins the polite stop. */
  abort(): void
}

export function drive({ program, protocol, prompt, startMs, clock, print, complain }: Talk): Driven {
  let status: number | null = null
  let isAborting = false
  let isSilent = true
  let exited: string | null = null
  let printedMs = Number.NEGATIVE_INFINITY
  let cancelWait = (): void => {}
  let end = (_status: number): void => {}
  const ended = new Promise<number>((resolve) => {
    end = resolve
  })

  const signal = (name: 'SIGTERM' | 'SIGKILL'): void => {
    if (exited === null && program.pid !== undefined) processIdentity.kill(-program.pid, name)
  }

  /** The work is over with this status: the program is let go, then sent away. */
  const close = (decided: number): void => {
    if (status !== null) return
    status = decided
    cancelWait()
    program.stdin.end()
    program.stdout.resume() // nobody reads it any more, but nobody must wait for room in the pipe either
    if (exited !== null) return
    clock.after(LEAVE_MS, () => signal('SIGTERM'))
    clock.after(2 * LEAVE_MS, () => signal('SIGKILL'))
    clock.after(2 * LEAVE_MS + KILLED_MS, () => end(decided))
  }

  const log = (line: string): void => {
    try {
      print(line)
      printedMs = clock.monotonicMs()
    } catch (error) {
      complain(`the event log cannot be written: ${(error as Error).message}`)
      close(1)
    }
  }

  const send = (message: string): void => {
    if (!program.stdin.writable) return
    program.stdin.write(`${message}\n`)
    if (program.stdin.writableLength > UNREAD_BYTES_MAX) program.stdout.pause()
  }

  const carryOut = (step: Step, line: string | null): void => {
    const text = step.log === undefined ? line : step.log
    if (text !== null) log(text)
    else if (step.alive !== undefined && clock.monotonicMs() - printedMs >= ALIVE_MS) log(step.alive)
    for (const message of step.send ?? []) send(message)
    const { over, overAfter } = step
    if (over !== undefined) close(over)
    else if (overAfter !== undefined && status === null) {
      cancelWait = clock.after(overAfter.ms, () => close(overAfter.status))
    }
  }

  const hear = ({ text, truncated }: Line): void => {
    const line = text.endsWith('\r') ? text.slice(0, -1) : text
    if (status !== null || line.trim() === '') return
    isSilent = false
    cancelWait()
    carryOut(protocol.line(line, truncated), line)
  }

  const lines = lineSplitter(hear, LINE_BYTES_MAX)
  const finish = (): void => {
    lines.end()
    if (status === null && isAborting) close(ABORTED_STATUS)
    if (status === null) {
      complain(`${exited} before its work was over`)
      close(1)
    }
    end(status!)
  }

  program.stdout.on('data', (bytes: Buffer) => lines.push(bytes))
  program.stdout.on('error', () => {})
  program.stdin.on('error', () => {}) // it need not read what we write; its end tells the rest
  program.stdin.on('drain', () => program.stdout.resume())
  program.once('error', (error) => {
    if (program.pid !== undefined) return
    complain(`the program cannot be started: ${error.message}`)
    status = 1
    end(1)
  })
  program.once('exit', (code, name) => {
    exited = code === null ? `the program was ended by ${name}` : `the program ended with status ${code}`
    program.stdout.resume()
    clock.after(DRAIN_MS, finish)
  })
  program.once('close', finish)

  if (program.pid !== undefined) {
    carryOut(protocol.begin(prompt), null)
    clock.after(startMs, () => {
      if (!isSilent || status !== null) return
      complain(`the program printed nothing within ${startMs / 1000} s`)
      close(1)
    })
  }

  return {
    ended,
    abort() {
      if (status !== null || isAborting) return
      isAborting = true
      cancelWait()
      carryOut(protocol.abort(), null)
      clock.after(ABORT_MS, () => close(ABORTED_STATUS))
    },
  }
}
