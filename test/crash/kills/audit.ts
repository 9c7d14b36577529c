/** What must hold of the workspace and its processes: at any quiet moment, and in the end. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import type { RuntimeEvent } from '../../../src/core/events.ts'
import type { StageResult } from '../../../src/core/result.ts'
import type { Snapshot } from '../../../src/core/state.ts'
import { pause } from './chance.ts'
import type { Fates } from './fates.ts'
import type { Feeder } from './feeder.ts'
import type { Ledger } from './ledger.ts'
import { agentProcesses, livingWith } from './processes.ts'
import type { Scene } from './scene.ts'

const FOLDERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  task: { queued: 'tasks/queue', active: 'tasks/active', done: 'tasks/done', blocked: 'tasks/blocked' },
  spec: { queued: 'specs/queue', active: 'specs/active', done: 'specs/done', blocked: 'specs/blocked' },
  incident: {
    queued: 'incidents/incoming',
    active: 'incidents/active',
    done: 'incidents/resolved',
    blocked: 'incidents/blocked',
  },
}

const LOOKS_MAX = 40
const LOOK_PAUSE_MS = 5

export class Audit {
  /** Looks that found the workspace at rest, and looks that found it in the middle of a transaction each time. */
  looks = 0
  unquiet = 0
  private unchecked: { run: string; request: string }[] = []
  private readonly scene: Scene
  private readonly ledger: Ledger
  private readonly fates: Fates
  private readonly problem: (text: string) => void

  constructor(scene: Scene, ledger: Ledger, fates: Fates, problem: (text: string) => void) {
    this.scene = scene
    this.ledger = ledger
    this.fates = fates
    this.problem = problem
  }

  /** Takes in what happened since the last time. */
  follow(): void {
    for (const event of this.ledger.read()) this.see(event)
  }

  private see(event: RuntimeEvent): void {
    this.fates.see(event)
    if (event.event_type === 'stage_completed')
      this.unchecked.push({ run: String(event.data.run_id), request: String(event.data.request_id) })
  }

  /** Compares folders, snapshot, log and processes, between two transactions. */
  async look(): Promise<void> {
    const living = agentProcesses(this.scene.at('runs'))
    for (let attempt = 0; attempt < LOOKS_MAX; attempt++) {
      const before = this.revisionAtRest()
      if (before !== null) {
        this.follow()
        const snapshot = this.scene.json<Snapshot>('state', 'runtime_snapshot.json')
        const found = this.itemsFound()
        if (this.revisionAtRest() === before && snapshot?.revision === before) {
          this.looks += 1
          this.compare(snapshot, found)
          this.checkResults()
          this.checkProcesses(living)
          return
        }
      }
      await pause(LOOK_PAUSE_MS)
    }
    this.unquiet += 1
  }

  private isPending(): boolean {
    return this.scene.list('state').some((name) => /^journal.*\.json$/.test(name))
  }

  /** Null while a transaction is under way. */
  private revisionAtRest(): number | null {
    if (this.isPending()) return null
    return this.scene.json<Snapshot>('state', 'runtime_snapshot.json')?.revision ?? null
  }

  private itemsFound(): Map<string, string[]> {
    const found = new Map<string, string[]>()
    for (const [kind, folders] of Object.entries(FOLDERS))
      for (const [state, folder] of Object.entries(folders))
        for (const name of this.scene.list(folder)) {
          if (!name.endsWith('.md') || name.startsWith('.')) continue
          const item = `${kind} ${path.basename(name, '.md')}`
          found.set(item, [...(found.get(item) ?? []), state])
        }
    return found
  }

  private compare(snapshot: Snapshot, found: Map<string, string[]>): void {
    const { items } = this.ledger
    for (const item of new Set([...items.keys(), ...found.keys()])) {
      const places = found.get(item) ?? []
      if (places.length !== 1 || places[0] !== items.get(item))
        this.problem(`${item} lies in ${places.join(' and ') || 'no folder'}; by the log it is ${items.get(item)}`)
    }
    const logged = this.ledger.open.map(
      (run) => `${run.id} ${run.node} ${run.status} ${run.request} ${run.settled.length} ${run.interruptions}`,
    )
    const stored = snapshot.active_runs.map(
      (run) => `${run.run_id} ${run.node_id} ${run.status} ${run.request_id} ${run.stage_runs} ${run.interruptions}`,
    )
    // A run of a closure target is heard of when its first stage starts.
    const known = stored.filter((line) => this.ledger.runs.has(line.split(' ')[0]!))
    if (known.join('\n') !== logged.join('\n'))
      this.problem(`the snapshot holds ${stored.join('; ') || 'no runs'}, the log ${logged.join('; ') || 'no runs'}`)
  }

  /** Each settled request left one result; a failure has a cause, and the only one there is are our own kills. */
  private checkResults(): void {
    for (const { run, request } of this.unchecked.splice(0)) {
      const result = this.scene.json<StageResult>('runs', run, 'stage_results', `${request}.json`)
      if (result?.metadata.request_id !== request) this.problem(`the result of ${request} is not there`)
      const failure = result?.metadata.failure_class ?? null
      const isStopped = this.scene.exists('runs', run, `runner_stop.${request}.json`)
      if (failure !== null && (!this.fates.struck.has(request) || isStopped))
        this.problem(`request ${request} counts as failed (${failure}): ${result?.notes[0]}`)
    }
  }

  /** Whatever carries a marker belongs to a stage in flight. */
  private checkProcesses(living: ReturnType<typeof agentProcesses>): void {
    const strangers = living.filter((one) => this.ledger.requests.get(one.requestId)?.state !== 'started')
    const still = agentProcesses(this.scene.at('runs')).map((one) => one.pid)
    for (const one of strangers.filter(({ pid }) => still.includes(pid))) {
      const state = this.ledger.requests.get(one.requestId)?.state
      this.problem(`process ${one.pid} of ${one.requestId} (${state}) still lives: ${one.command}`)
    }
  }

  /** Everything, once the queues are empty and no daemon runs. */
  async complete(feeder: Feeder): Promise<{ missing: string[]; orphans: number }> {
    await this.look()
    const { scene, ledger } = this
    if (this.isPending()) this.problem('a transaction is still pending')
    // A command that was killed while it wrote leaves a file that nobody takes for a command.
    const waiting = scene.list('state/mailbox/incoming').filter((name) => !name.startsWith('.'))
    if (waiting.length > 0) this.problem(`commands still wait in the mailbox: ${waiting.join(', ')}`)
    if (ledger.open.length > 0) this.problem(`runs are still open: ${ledger.open.map((run) => run.id).join(', ')}`)
    for (const request of this.fates.open) this.problem(`nothing was heard of request ${request} after the crash`)
    const missing = [...feeder.acknowledged].filter((item) => ledger.items.get(item) !== 'done')
    for (const item of missing) this.problem(`${item} was acknowledged and is ${ledger.items.get(item) ?? 'nowhere'}`)
    for (const [item, state] of ledger.items) if (state !== 'done') this.problem(`${item} is ${state} in the end`)
    const counters = scene.json<{ entries: unknown[] }>('state', 'recovery_counters.json')
    if ((counters?.entries.length ?? 0) > 0) this.problem('budgets of finished items are still kept')
    for (const name of scene.list('arbiter/targets'))
      if (scene.json<{ closure_open: boolean }>('arbiter/targets', name)?.closure_open !== false)
        this.problem(`closure target ${name} is not closed`)
    this.checkRuns()
    const everything = fs.readdirSync(scene.at(), { recursive: true, encoding: 'utf8' })
    for (const name of everything) if (name.includes('.conflict-')) this.problem(`${name} tells of foreign hands`)
    return { missing, orphans: this.checkOrphans() }
  }

  /** Requests, results and histories of the run folders are what the log tells. */
  private checkRuns(): void {
    const { scene, ledger } = this
    const told = (state: string, run: string) =>
      [...ledger.requests].filter(([, one]) => one.run === run && one.state === state).map(([id]) => id)
    for (const run of scene.list('runs')) {
      const settled = ledger.runs.get(run)?.settled ?? []
      const history = (scene.read('runs', run, 'transition_history.jsonl') ?? '').split('\n').slice(0, -1)
      const same = (what: string, found: string[], expected: string[]) => {
        if (found.join() !== expected.join()) this.problem(`${what} of ${run}: ${found}; by the log ${expected}`)
      }
      const ids = (folder: string) => scene.list('runs', run, folder).map((name) => path.basename(name, '.json'))
      same(
        'history',
        history.map((line) => (JSON.parse(line) as { request_id: string }).request_id),
        settled,
      )
      same('results', ids('stage_results').sort(), [...settled].sort())
      same('requests', ids('stage_requests').sort(), [...settled, ...told('interrupted', run)].sort())
    }
  }

  private checkOrphans(): number {
    const marked = agentProcesses(this.scene.at('runs'))
    for (const one of marked) this.problem(`process ${one.pid} of ${one.requestId} is left: ${one.command}`)
    const notes = (name: string) => {
      const file = path.join(this.scene.notes, name)
      return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
    }
    const noted = livingWith(this.scene.notes, notes('processes').map(Number))
    for (const pid of noted) this.problem(`process ${pid}, which an agent left behind, still lives`)
    for (const violation of notes('violations')) this.problem(`an agent saw: ${violation}`)
    return new Set([...marked.map((one) => one.pid), ...noted]).size
  }
}
