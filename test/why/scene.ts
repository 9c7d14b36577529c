/**
 * Why is never wrong: states of real workspaces, each with what `why` has to say of it, confusable ones side by side.
 * Every fact is looked up where it says it stands, in each of them (see ask.ts). Here is what the states are made with.
 */
import { afterEach } from 'vitest'
import type { Snapshot } from '../../src/core/state.ts'
import type { WhyOutput } from '../../src/operations/schemas/why.ts'
import { Daemon, Live } from '../rig/live.ts'
import { Rig, type RigOptions, reply } from '../rig/runtime.ts'

/** The workspace of the test, and the runtime in it: in this process, or in one of its own. */
export let rig: Rig
export let live: Live | null = null
export let daemon: Daemon | null = null
afterEach(async () => {
  await live?.close().catch(() => {})
  if (daemon?.child.exitCode === null && daemon.child.signalCode === null) {
    daemon.child.kill('SIGCONT')
    await daemon.kill()
  }
  live = null
  daemon = null
  rig?.dispose()
})

export async function newRig(options: RigOptions = {}): Promise<void> {
  rig = await Rig.create(options)
}

export async function goLive(): Promise<Live> {
  live = await Live.start(rig)
  return live
}

export function goElsewhere(): Daemon {
  daemon = new Daemon(rig)
  return daemon
}

export const snapshot = () => rig.json<Snapshot>('state/runtime_snapshot.json')
export const runId = () => snapshot().active_runs[0]!.run_id
export const codes = ({ because }: WhyOutput): string[] => because.map(({ code }) => code)

/** What stands before something, in short: verdict, what it waits for, and the kinds of facts. */
export const told = (answer: WhyOutput) => ({
  verdict: answer.verdict,
  waits_for: answer.waits_for,
  codes: codes(answer),
})

/** A workspace at rest whose plan is compiled. */
export async function atRest(options: RigOptions = {}): Promise<void> {
  await newRig(options)
  await rig.open()
  await rig.close()
}

export const HANG = reply('builder', null, { steps: [{ hang: true }] })

/** A runtime in this process whose builder hangs on `task-a`. */
export async function busy(options: RigOptions = {}): Promise<string> {
  await newRig({ replies: [HANG], ...options })
  rig.addTask('task-a')
  return (await goLive()).agent('builder')
}

/** A runtime in a process of its own whose builder hangs on `task-a`. */
export async function busyElsewhere(options: RigOptions = {}): Promise<string> {
  await newRig({ replies: [HANG], ...options })
  rig.addTask('task-a')
  return goElsewhere().agent('builder')
}
