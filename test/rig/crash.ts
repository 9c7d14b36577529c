/**
 * Crashes a story everywhere: after every operation that changes something, in the middle of every write, and with the
 * power going at the same moment. After each crash a later process looks at what is left, and may take it to its end.
 */
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import type { Files } from '../../src/core/files.ts'
import { type FaultyDisk, faultyFiles, type Step } from '../../src/selftest/faulty-files.ts'
import { seeded } from '../../src/selftest/virtual-clock.ts'
import { disk } from '../../src/store/files.ts'
import { forgetfulDisk } from './power-loss.ts'

/** `stopped`: killed between two operations. `torn`: killed in the middle of a write. `power`: what was not flushed may be lost. */
export type CrashKind = 'stopped' | 'torn' | 'power'

export interface Crash {
  kind: CrashKind
  /** Operations that were done. */
  after: number
  /** The last of them. */
  last: Step | null
  /** False if the story was not interrupted: it had ended with its last operation. */
  happened: boolean
}

export interface Story {
  /** Makes what the story begins with, on the plain disk. */
  prepare?: (root: string) => void | Promise<void>
  /** The life of the process that will die. Everything it changes must go through `files`; it may reject once it is dead. */
  run: (files: Files, root: string) => Promise<void>
  /** Throws if what lies there breaks an invariant. Asked after the crash, and again after `finish`. */
  check: (root: string, crash: Crash & { finished: boolean }) => void | Promise<void>
  /** A later process, with no fault in its disk, opens what is left and goes on. */
  finish?: (files: Files, root: string, crash: Crash) => void | Promise<void>
}

export interface CrashOptions {
  /** Default: all three. */
  kinds?: readonly CrashKind[]
  /** Only every nth operation, for long stories; default 1. */
  every?: number
  /** Losses told for each point of a power failure; default 2. */
  losses?: number
  /** Decides what each power failure loses; default 1. */
  seed?: number
  /** What the story runs on; default the plain disk. `quickDisk` saves the waiting for the device. */
  base?: Files
  /** How long a dead process may take to notice, in milliseconds; default 2000. */
  graceMs?: number
  /** Whether the folder of a failed check stays, to be looked at; default yes. */
  keepFailed?: boolean
}

export interface CrashReport {
  /** Operations of the story when nothing happens to it. */
  steps: readonly Step[]
  flushRounds: number
  crashes: number
}

/** A story that never ends by itself is stopped after this many operations. */
const OPERATIONS_MAX = 20_000

/**
 * Runs the story once in peace, then once for each crash, each time in a fresh folder. Rejects with the first failure,
 * told with the crash it came from. The story should do the same each time.
 */
export async function crashEverywhere(story: Story, options: CrashOptions = {}): Promise<CrashReport> {
  const settings: Settings = { ...DEFAULTS, ...options }
  const peace = await inFolder(settings, async (root) => {
    await story.prepare?.(root)
    const faulty = faultyFiles({}, settings.base)
    await story.run(faulty.files, root)
    const { steps } = faulty
    await story.check(root, {
      kind: 'stopped',
      after: steps.length,
      last: steps.at(-1) ?? null,
      happened: false,
      finished: false,
    })
    return faulty
  })
  let crashes = 0
  for (const kind of settings.kinds) {
    for (let after = 0; after <= Math.min(peace.steps.length, OPERATIONS_MAX); after += settings.every) {
      const next = peace.steps[after]?.operation
      if (kind === 'torn' && next !== 'write' && next !== 'append') continue
      for (let loss = 0; loss < (kind === 'power' ? settings.losses : 1); loss++) {
        await crashOnce(story, { kind, after, loss }, settings)
        crashes += 1
      }
    }
  }
  return { steps: peace.steps, flushRounds: peace.flushRounds, crashes }
}

type Settings = Required<CrashOptions>

const DEFAULTS: Settings = {
  kinds: ['stopped', 'torn', 'power'],
  every: 1,
  losses: 2,
  seed: 1,
  base: disk,
  graceMs: 2000,
  keepFailed: true,
}

async function crashOnce(
  story: Story,
  point: { kind: CrashKind; after: number; loss: number },
  settings: Settings,
): Promise<void> {
  const { kind, after, loss } = point
  const { base, seed } = settings
  await inFolder(settings, async (root) => {
    await story.prepare?.(root)
    const forgetful = kind === 'power' ? forgetfulDisk(root, base) : null
    const faulty = faultyFiles({ crashAfter: after, torn: kind === 'torn' }, forgetful?.files ?? base)
    const problem = await untilDeath(story, faulty, root, settings.graceMs)
    const crash: Crash = { kind, after, last: faulty.steps.at(-1) ?? null, happened: faulty.crashed }
    try {
      if (problem !== null && !faulty.crashed) throw problem
      forgetful?.losePower(seeded(seed * 1_000_003 + after * 31 + loss))
      await story.check(root, { ...crash, finished: false })
      await story.finish?.(base, root, crash)
      if (story.finish) await story.check(root, { ...crash, finished: true })
    } catch (error) {
      const last = crash.last ? `${crash.last.operation} ${path.relative(root, crash.last.path)}` : 'nothing'
      const where = `${kind} after operation ${after} (${last}), loss ${loss} of seed ${seed}, in ${root}`
      throw new Error(`${where}: ${(error as Error).message}`, { cause: error })
    }
  })
}

/** Runs until the story ends or its process dies; what it rejects with after that means nothing. */
async function untilDeath(story: Story, faulty: FaultyDisk, root: string, graceMs: number): Promise<Error | null> {
  const ended = story.run(faulty.files, root).then(
    () => null,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  )
  const died = faulty.death.then(async () => {
    let timer: NodeJS.Timeout | undefined
    const grace = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, graceMs, null)
    })
    const problem = await Promise.race([ended, grace])
    clearTimeout(timer)
    return problem
  })
  return Promise.race([ended, died])
}

/** A folder of its own for `work`, removed afterwards; if it rejects, only as wished. */
async function inFolder<T>({ keepFailed }: Settings, work: (root: string) => Promise<T>): Promise<T> {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-crash-')))
  let failed = true
  try {
    const result = await work(root)
    failed = false
    return result
  } finally {
    if (!failed || !keepFailed) fs.rmSync(root, { recursive: true, force: true })
  }
}
