/**
 * Stories of the whole runtime, told on a simulated machine. Each is told once in peace; crash-table.ts then asks of
 * every moment of it what a crash at that moment would have led to.
 */
import * as path from 'node:path'
import type { Clock } from '../core/clock.ts'
import { newDocument, renderDocument } from '../core/document.ts'
import type { Files } from '../core/files.ts'
import type { LoopEnd } from '../engine/daemon.ts'
import type { Engine, Listener } from '../engine/engine.ts'
import { deliveryIds } from '../store/deliveries.ts'
import { initWorkspace } from '../store/init.ts'
import { placesOf } from '../store/layout.ts'
import { post } from '../store/mailbox.ts'
import { readWorkspace } from '../store/workspace.ts'
import { type Asked, instantRunner, type Script, taskText } from './instant-runner.ts'
import { enginePorts, type Installation, type Life, live, type Machine, machine, ROOT } from './scene.ts'

export interface Story {
  name: string
  about: 'execution' | 'planning' | 'control'
  /** What happens in it, in a few words. */
  tells: string
  /** What lies there before the runtime starts. */
  begin: (author: Author) => void | Promise<void>
  script: Script
  /** What the first runtime is made to do before it looks for work. */
  first?: (engine: Engine) => Promise<void>
  /** Where every item lies in the end: `<kind> <id>` to state. A trailing `*` stands for the rest of a generated id. */
  ends: Readonly<Record<string, string>>
  /** Outcomes of every stage that is settled, in the order of a run that nothing happens to. */
  outcomes: readonly string[]
  /** More that must hold in the end; gives what does not, as sentences. */
  also?: (files: Files) => string[]
  /** No runtime was ever started in the workspace. */
  isFresh?: true
  /** A person moves a document in it, and flushes nothing: only a killed process, not lost power, has one right ending. */
  hasHands?: true
}

/** Writes what a story begins with, as people and commands do. */
export interface Author {
  files: Files
  /** Writes a file below the workspace. */
  file(relative: string, text: string): void
  task(id: string, fields?: Record<string, unknown>, folder?: string): void
  /** A root spec and the seed idea it names. */
  rootSpec(id: string): void
  /** Posts a command; gives its id. */
  command(command: string, payload?: Record<string, unknown>): Promise<string>
}

/** A success for every stage, by the request's own table; `special` overrides by stage and attempt. */
export function succeeding(special: Readonly<Record<string, readonly string[]>> = {}): Script {
  return (request, attempt) =>
    special[request.stage_kind_id]?.[attempt - 1] ??
    Object.entries(request.allowed_result_classes_by_outcome).find(([, classes]) => classes[0] === 'success')![0]
}

/** A command as another process posts it. */
export const posting =
  (command: string, payload: Record<string, unknown> = {}) =>
  (files: Files, clock: Clock): Promise<string> =>
    post(files, placesOf(ROOT), clock, command, payload, 'selftest')

/** The machine as the story begins, everything on it flushed. */
export async function beginning(installation: Installation, story: Story): Promise<Machine> {
  const before = machine(installation, 0, 1)
  const { disk, clock } = before
  const { packageRoot, version } = installation
  await initWorkspace(disk, clock, placesOf(ROOT), { packageRoot, version })
  if (!story.isFresh) {
    const idle = instantRunner(disk, clock, story.script, { started: [], collected: [] })
    await live(enginePorts(installation, before, disk, idle))
  }
  const file = (relative: string, text: string) => {
    const at = path.join(ROOT, relative)
    disk.makeFolder(path.dirname(at))
    disk.write(at, text)
  }
  await story.begin({
    files: disk,
    file,
    task: (id, fields = {}, folder = 'queue') => file(`millrace-agents/tasks/${folder}/${id}.md`, taskText(id, fields)),
    rootSpec(id) {
      file(`ideas/inbox/${id}.md`, `# ${id}\n\nThe seed of ${id}.\n`)
      file(`millrace-agents/specs/queue/${id}.md`, rootSpecText(id))
    },
    command(command, payload) {
      // One after the other: laid out on another disk, only the times they were issued at say in which order.
      clock.advance(1)
      return posting(command, payload)(disk, clock)
    },
  })
  disk.flushAll()
  return before
}

export interface Passage {
  /** How many runtimes it took, one after the other. */
  lives: number
  asked: Asked
}

/** A story that needs more runtimes than this does not come to its end. */
const LIVES_MAX = 10

/** Where one life of a story is played: the process, and the files that the runtime and its agents see. */
export interface Stage {
  on: Life
  files: Files
  /** What the agents see, where that is something else. */
  agentFiles?: Files
  /** Whether a runtime that ends with this error is simply followed by the next. */
  mayEndWith?: (error: unknown) => boolean
  /** Told of every change that is committed. */
  listener?: Listener
  /** Told when the runtime must do nothing more at all. */
  onFatal?: () => void
}

/**
 * Carries the work of a story on to its end, with one runtime after the other: each works until it is told to stop or
 * nothing is left to do. `at` gives what each of them lives on.
 */
export async function carryOn(
  installation: Installation,
  story: Story,
  first: number,
  at: (life: number) => Stage,
  asked: Asked = { started: [], collected: [] },
): Promise<Passage> {
  for (let life = first; life < first + LIVES_MAX; life++) {
    const { on, files, agentFiles = files, mayEndWith, listener, onFatal } = at(life)
    const runner = instantRunner(agentFiles, on.clock, story.script, asked)
    let end: LoopEnd
    try {
      const ports = enginePorts(installation, on, files, runner, onFatal)
      end = await live(ports, life === 1 ? story.first : undefined, listener ? [listener] : [])
    } catch (error) {
      if (!mayEndWith?.(error)) throw error
      continue
    }
    const { waits, held } = readWorkspace(on, ROOT, (view, disk) => ({
      waits:
        view.targets.some((target) => target.held !== null && target.held.retry_at !== null) ||
        deliveryIds(disk, placesOf(ROOT), 'pending').length > 0,
      held: view.snapshot.active_runs.some((run) => run.status === 'held'),
    })).value
    // Only an operator may say that it goes on: a stage that must not be repeated unasked was interrupted, or a file refused.
    if (held) await posting('clear_stale_state')(on.files, on.clock)
    else if (end.exit_reason === 'idle' && !waits) return { lives: life - first + 1, asked }
  }
  throw new Error(`not at its end after ${LIVES_MAX} runtimes`)
}

function rootSpecText(id: string): string {
  return renderDocument(
    newDocument('spec', {
      spec_id: id,
      title: `Spec ${id}`,
      summary: 'Something worth doing.',
      source_type: 'idea',
      source_id: id,
      root_spec_id: id,
      root_idea_id: id,
      goals: ['Reach it.'],
      constraints: ['Stay small.'],
      acceptance: ['It holds.'],
      references: [`ideas/inbox/${id}.md`],
      created_at: '2026-03-01T10:00:00Z',
      created_by: 'selftest',
    }),
  )
}
