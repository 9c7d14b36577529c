/** All the facts that retention decides on: what lies on the disk, what still needs it, and the kept trees of the repository. */
import type { Facts, RefFact } from '../core/retention.ts'
import type { View } from '../core/view.ts'
import type { Files } from '../store/files.ts'
import type { Places } from '../store/layout.ts'
import type { Processes } from '../store/lock.ts'
import {
  factsOf,
  namedByWork,
  type RunScan,
  type Steps,
  scanCommands,
  scanLogs,
  scanPlans,
  scanRuns,
  scanScratch,
} from '../store/survey.ts'
import { findRepository, type GitPorts, type Repository } from './git.ts'
import { givenBack, keptTrees } from './rescue-refs.ts'
import { isAbandoned } from './scratch.ts'

export interface SurveyHost {
  ports: GitPorts & { processes: Processes }
  files: Files
  places: Places
  view: () => View
  /** Called between two steps of work: lets others go on where it is their turn. Throws to end the work. */
  breathe: () => Promise<void> | undefined
}

export interface Survey {
  facts: Facts
  scans: readonly RunScan[]
  /** Runs that documents of open work name. */
  named: ReadonlySet<string>
  /** Null where no working trees are kept. */
  repository: Repository | null
}

export async function survey(host: SurveyHost): Promise<Survey> {
  const { files, places, ports } = host
  const view = host.view()
  const ground = { files, places, view }
  const scans = await taking(scanRuns(ground), host)
  const named = await taking(namedByWork(ground, new Set(scans.map(({ run_id }) => run_id))), host)
  const { repository, refs } = await keptIn(host)
  const facts = {
    nowMs: ports.clock.now().getTime(),
    runs: await taking(factsOf(scans, view, named), host),
    plans: await taking(scanPlans(ground), host),
    activePlans: view.snapshot.active_runs.map((run) => run.compiled_plan_id),
    ...scanLogs(ground),
    commands: await taking(scanCommands(ground), host),
    scratch: await taking(scanScratch(ground, isInUse(host)), host),
    refs,
  }
  return { facts, scans, named, repository }
}

/** Carries work out step by step, with turns for others in between. */
export async function taking<T>(steps: Steps<T>, { breathe }: Pick<SurveyHost, 'breathe'>): Promise<T> {
  for (;;) {
    const next = steps.next()
    if (next.done) return next.value
    const turn = breathe()
    if (turn !== undefined) await turn
  }
}

/** Only a folder of a process that is proven dead is in nobody's use. */
export const isInUse =
  ({ files, ports }: SurveyHost) =>
  (folder: string): boolean =>
    !isAbandoned(files, ports.processes, folder)

/** Longest time git may take to answer. */
export const GIT_MS_MAX = 60_000

async function keptIn({ ports, places }: SurveyHost): Promise<{ repository: Repository | null; refs: RefFact[] }> {
  const found = await findRepository(ports, places.root)
  if (!found.on) return { repository: null, refs: [] }
  const { repository } = found
  const trees = await keptTrees(repository, { deadlineMs: ports.clock.monotonicMs() + GIT_MS_MAX })
  const back = givenBack(trees)
  const refs = trees.map(({ ref, commit, kept_at, run_id, request_id, workspace }) => ({
    ref,
    commit,
    keptMs: Date.parse(kept_at),
    run_id,
    request_id,
    isOfThisWorkspace: workspace === places.root || workspace === ports.files.realpath(places.root),
    isGivenBack: back.has(ref),
  }))
  return { repository, refs }
}
