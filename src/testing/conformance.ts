/**
 * The conformance kit: every behaviour asked of one runner, for certifying an adapter. Makes real folders and processes,
 * and leaves neither.
 */
import * as path from 'node:path'
import type { StageRequest } from '../core/request.ts'
import type { RawResult } from '../core/result.ts'
import { systemClock } from '../engine/clock.ts'
import { carriersOf } from '../runners/process.ts'
import { isHandle, type Runner } from '../runners/runner.ts'
import { disk } from '../store/files.ts'
import { BEHAVIOURS, type Behaviour, type Place } from './behaviours.ts'
import { requestFor } from './request.ts'
import type { Turn } from './turns.ts'

/** A runner under test, and the agent it is to drive. */
export interface Subject {
  name: string
  /** The runner, its agent arranged so that it plays these turns, whatever the prompt says. */
  prepare(play: { turns: readonly Turn[]; workspace: string }): Promise<Prepared>
  /** What it truly cannot do: id of a behaviour to the reason. */
  exceptions?: Readonly<Record<string, string>>
  /** How its provider says that a quota is used up until then; without it, a plain 429 is played. */
  quota?: (resetsAt: Date) => Turn
}

export interface Prepared {
  runner: Runner
  /** Ends what was arranged, such as a model server. */
  dispose?: () => Promise<void> | void
}

export interface Row {
  subject: string
  behaviour: string
  about: string
  verdict: 'passes' | 'exception' | 'fails'
  /** What is wrong, or why it is an exception. */
  because: string[]
  /** From starting it until it was over. */
  seconds: number
  /** From asking it to stop until it was over; null if it was not asked, or never came so far. */
  stopSeconds: number | null
  /** Processes left when it said that it was over. */
  left: number
}

export interface Asked {
  /** A folder for the workspaces; they are removed. */
  scratch: string
  /** A folder that no sandbox lets an agent write to, of the same user. */
  elsewhere: string
  /** Only these behaviours. */
  only?: readonly string[]
}

/** Longest a tool may take to begin, with a harness that starts slowly. */
const BEGIN_MS_MAX = 60_000
const LOOK_MS = 50
const TIMEOUT_SECONDS = 120
const RESET_SECONDS = 3600

export async function conformance(subject: Subject, asked: Asked): Promise<Row[]> {
  const rows: Row[] = []
  for (const behaviour of BEHAVIOURS) {
    if (asked.only !== undefined && !asked.only.includes(behaviour.id)) continue
    rows.push(await ask(subject, behaviour, asked))
  }
  return rows
}

/** The rows as a table of fixed width, one line for each. */
export function conformanceTable(rows: readonly Row[]): string {
  const line = (row: Row) => {
    const because = row.because.length > 0 ? `  ${row.because.join('; ')}` : ''
    return `${row.subject.padEnd(22)} ${row.behaviour.padEnd(16)} ${row.verdict.padEnd(9)} ${row.seconds.toFixed(1).padStart(6)} s${because}`
  }
  return rows.map(line).join('\n')
}

async function ask(subject: Subject, behaviour: Behaviour, { scratch, elsewhere }: Asked): Promise<Row> {
  const row = { subject: subject.name, behaviour: behaviour.id, about: behaviour.about, stopSeconds: null, left: 0 }
  const reason = subject.exceptions?.[behaviour.id]
  if (reason !== undefined) return { ...row, verdict: 'exception', because: [reason], seconds: 0 }
  const workspace = path.join(scratch, `${behaviour.id}-${systemClock.hex(8)}`)
  const request = requestFor(workspace, systemClock.hex, {
    permission_level: behaviour.level ?? 'maximum',
    timeout_seconds: behaviour.timeoutSeconds ?? TIMEOUT_SECONDS,
  })
  disk.makeFolder(request.run_dir)
  disk.makeFolder(elsewhere)
  const place: Place = {
    workspace,
    elsewhere,
    request,
    begun: path.join(workspace, 'begun'),
    resetsAt: new Date(Math.ceil(systemClock.now().getTime() / 60_000) * 60_000 + RESET_SECONDS * 1000),
    quota: subject.quota ?? (() => ({ turn: 'http_error', status: 429 })),
  }
  const began = systemClock.monotonicMs()
  let prepared: Prepared | null = null
  try {
    prepared = await subject.prepare({ turns: behaviour.turns(place), workspace })
    const before = process.memoryUsage().rss
    const { raw, stopMs } = await perform(prepared.runner, request, behaviour.stop ? place.begun : null)
    const seconds = (systemClock.monotonicMs() - began) / 1000
    const left = carriersOf(request.request_id).map(({ command }) => command)
    const stopSeconds = stopMs === null ? null : stopMs / 1000
    const because = behaviour.problems({
      raw,
      place,
      left,
      seconds: stopSeconds ?? seconds,
      grownBytes: process.memoryUsage().rss - before,
      exists: (file) => disk.stat(file) !== null,
    })
    const verdict = because.length === 0 ? 'passes' : 'fails'
    return { ...row, verdict, because, seconds, stopSeconds, left: left.length }
  } catch (error) {
    const seconds = (systemClock.monotonicMs() - began) / 1000
    return { ...row, verdict: 'fails', because: [(error as Error).message], seconds }
  } finally {
    await prepared?.runner.sweep(request.request_id)
    await prepared?.dispose?.()
    removeFolder(workspace)
  }
}

async function perform(
  runner: Runner,
  request: StageRequest,
  stopOnce: string | null,
): Promise<{ raw: RawResult; stopMs: number | null }> {
  const handle = await runner.start(request)
  if (!isHandle(handle)) return { raw: handle, stopMs: null }
  const following = runner.follow(request, handle)
  if (stopOnce === null) return { raw: await following.result, stopMs: null }
  const end = systemClock.monotonicMs() + BEGIN_MS_MAX
  while (disk.stat(stopOnce) === null && systemClock.monotonicMs() < end) await pause(LOOK_MS)
  const hasBegun = disk.stat(stopOnce) !== null
  const asked = systemClock.monotonicMs()
  await following.stop('cancelled')
  if (!hasBegun) throw new Error(`the tool did not begin within ${BEGIN_MS_MAX / 1000} s`)
  return { raw: await following.result, stopMs: systemClock.monotonicMs() - asked }
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    systemClock.after(ms, resolve)
  })

/** Removes what the kit and its agent made. */
function removeFolder(folder: string): void {
  for (const name of disk.list(folder) ?? []) {
    const file = path.join(folder, name)
    if (disk.stat(file)?.kind === 'directory') removeFolder(file)
    else disk.unlink(file)
  }
  if (disk.stat(folder) !== null) disk.removeFolder(folder)
}
