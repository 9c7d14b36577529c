/** Adapters of others: a harness from an ES module that the configuration names, loaded when it is first needed. */
import { createRequire } from 'node:module'
import * as path from 'node:path'
import { clip } from '../core/clip.ts'
import { failureOf } from './failure.ts'
import type { Findings, Harness } from './harness.ts'
import type { ProbedProgram } from './probe.ts'
import type { RunnerProbe } from './runner.ts'

/** What an adapter is made with. It has all it needs here, because it may lie where no package is found. */
export interface HarnessSettings {
  /** The name of the runner in the configuration. */
  name: string
  workspaceRoot: string
  /** Whether a program is there and starts; for `Harness.probe`. */
  probe(
    program: Pick<ProbedProgram, 'program' | 'versionArgs' | 'remedy'> &
      Partial<Pick<ProbedProgram, 'env' | 'envPass' | 'envPrefixes'>>,
  ): Promise<RunnerProbe>
  /** Tells by the words of an error what failed: the surroundings, and which, or the work; `at`: when it was printed. */
  failureOf(message: string, at: Date): NonNullable<Findings['failure']>
}

/** The default export of a module of an adapter. */
export type MakeHarness = (settings: HarnessSettings) => Harness

interface Adapter extends Omit<HarnessSettings, 'failureOf'> {
  /** The module, absolute or relative to the workspace. */
  file: string
}

/** Gives the exports of an ES module; throws if it cannot. A module is loaded once in the life of a process. */
export type LoadModule = (file: string) => unknown

const REASON_CHARS_MAX = 300
const REMEDY = 'see docs/authoring.md for what such a module exports'

const requireModule = createRequire(import.meta.url)
/** At once and not later, so that a runner from a module is like every other. */
export const loadModule: LoadModule = (file) => requireModule(file)

/** A module that is missing or wrong gives a harness that starts nothing, and says why. */
export function moduleHarness(adapter: Adapter, load: LoadModule): Harness {
  let loaded: Harness | null = null
  /** What is missing is looked for again the next time. */
  const own = (): Harness => {
    if (loaded !== null) return loaded
    const made = harnessOf(adapter, load)
    if (typeof made === 'string') return broken(adapter.name, made)
    loaded = made
    return loaded
  }
  return {
    name: adapter.name,
    get output() {
      return own().output
    },
    command(request, run) {
      try {
        return own().command(request, run)
      } catch (error) {
        return { refused: `Runner ${adapter.name}: its module failed: ${reasonOf(error)}.` }
      }
    },
    transcript: (continued) => own().transcript(continued),
    async probe(lookOnly) {
      try {
        const harness = own()
        // What a module does to find out is its own business; that it can be loaded is all that can be looked at.
        if (lookOnly && loaded !== null) return there(adapter.name)
        return { ...(await harness.probe(lookOnly)), runner: adapter.name }
      } catch (error) {
        return notThere(adapter.name, `its module failed: ${reasonOf(error)}.`)
      }
    },
  }
}

/** Or what is wrong with the module, as a sentence. */
function harnessOf({ file, ...settings }: Adapter, load: LoadModule): Harness | string {
  const { workspaceRoot } = settings
  try {
    const { default: make } = load(path.resolve(workspaceRoot, file)) as { default?: unknown }
    if (typeof make !== 'function') return `The module ${file} has no function as its default export.`
    const made = (make as MakeHarness)({ ...settings, failureOf }) as Partial<Harness> | null | undefined
    const lacking = ['command', 'transcript', 'probe'].filter(
      (member) => typeof made?.[member as keyof Harness] !== 'function',
    )
    if (made?.output !== 'events' && made?.output !== 'text') lacking.unshift('output ("events" or "text")')
    if (lacking.length > 0) return `The module ${file} gives no harness: it lacks ${lacking.join(', ')}.`
    return made as Harness
  } catch (error) {
    return `The module ${file} cannot be loaded: ${reasonOf(error)}.`
  }
}

const broken = (name: string, problem: string): Harness => ({
  name,
  output: 'text',
  command: () => ({ refused: `Runner ${name}: ${problem}` }),
  transcript: () => ({
    line: () => [],
    usage: () => null,
    findings: () => ({
      finalMessage: null,
      usage: null,
      sessionId: null,
      failure: { cause: 'missing_binary', message: problem, resetsAt: null },
      notes: [],
    }),
  }),
  probe: async () => notThere(name, problem),
})

const there = (runner: string): RunnerProbe => ({
  runner,
  ok: true,
  binary: null,
  version: null,
  problem: null,
  remedy: null,
})

const notThere = (runner: string, problem: string) => ({
  runner,
  ok: false,
  binary: null,
  version: null,
  problem,
  remedy: REMEDY,
})

const reasonOf = (error: unknown): string => {
  const text = error instanceof Error ? error.message : String(error)
  return clip(text.split('\n')[0]!.replace(/\.$/, ''), REASON_CHARS_MAX)
}
