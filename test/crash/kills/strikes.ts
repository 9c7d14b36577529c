/**
 * What is done to the daemon, its agents and the commands, at random moments. A strike on a living daemon leaves it
 * alive or dead; a way of starting leaves one alive, or dead again.
 */
import { type Chance, pause } from './chance.ts'
import type { Play } from './play.ts'
import { agentProcesses, kill } from './processes.ts'

export interface Strike {
  name: string
  weight: number
  /** True if it kills something, and so counts as a kill. */
  kills: boolean
  run(play: Play): Promise<void>
}

/** Waits for a stage in flight, most of the time, and then for a moment somewhere inside it. */
async function moment(play: Play): Promise<void> {
  if (play.chance.happens(0.85)) await play.untilInFlight(1000)
  await pause(play.chance.between(0, 900))
}

/** Keepers and agents of the stages in flight. */
function agents(play: Play) {
  const found = agentProcesses(play.scene.at('runs'))
  const keepers = found.filter((one) => one.isKeeper)
  const programs = found.filter((one) => keepers.some((keeper) => keeper.pid === one.parent))
  return { keepers, programs }
}

async function commandKilled(play: Play): Promise<void> {
  const { scene, chance, feeder } = play
  const afterMs = chance.between(60, 320)
  if (chance.happens(0.6)) await feeder.addNew({ killAfterMs: afterMs })
  else await scene.change(['control', chance.happens(0.5) ? 'reload-config' : 'clear-stale-state'], afterMs)
}

/** Suspends the daemon: it keeps the workspace, reading goes on, and what is asked for meanwhile is kept for it. */
async function suspended(play: Play): Promise<void> {
  const { scene, feeder } = play
  await moment(play)
  play.daemon?.child.kill('SIGSTOP')
  const second = scene.start(['run', 'daemon'])
  const status = scene.start(['status', '--json'])
  const [refused, seen] = await Promise.all([
    second.ended,
    status.ended,
    feeder.addNew({ noWait: true }),
    pause(play.chance.between(0, 400)),
  ])
  if (refused.status !== 3)
    play.problem(`beside a suspended daemon another one ended with ${refused.status}: ${refused.stderr}`)
  if (seen.status !== 0) play.problem(`beside a suspended daemon status ended with ${seen.status}: ${seen.stderr}`)
}

export const STRIKES: readonly Strike[] = [
  {
    name: 'daemon',
    weight: 30,
    kills: true,
    async run(play) {
      await moment(play)
      await play.killDaemon()
    },
  },
  {
    name: 'daemon and keeper',
    weight: 9,
    kills: true,
    async run(play) {
      await moment(play)
      const { keepers } = agents(play)
      for (const { requestId } of keepers) play.fates.struck.add(requestId)
      const dead = play.killDaemon()
      for (const { pid } of keepers) kill(pid)
      await dead
    },
  },
  {
    name: 'daemon and agent group',
    weight: 9,
    kills: true,
    async run(play) {
      await moment(play)
      const { keepers } = agents(play)
      for (const { requestId } of keepers) play.fates.struck.add(requestId)
      const dead = play.killDaemon()
      for (const { pid } of keepers) kill(-pid)
      await dead
    },
  },
  {
    name: 'agent',
    weight: 6,
    kills: true,
    async run(play) {
      await moment(play)
      const { keepers, programs } = agents(play)
      for (const { requestId } of keepers) play.fates.struck.add(requestId)
      if (play.chance.happens(0.7)) for (const { pid } of programs) kill(pid)
      else for (const { pid } of keepers) kill(-pid)
    },
  },
  {
    name: 'command, daemon alive',
    weight: 7,
    kills: true,
    run: commandKilled,
  },
  killedAfter('suspended, then killed', 4, 'SIGSTOP', [50, 400]),
  killedAfter('stopping, then killed', 7, 'SIGTERM', [0, 450]),
  {
    name: 'suspended and continued',
    weight: 4,
    kills: false,
    async run(play) {
      await suspended(play)
      play.daemon?.child.kill('SIGCONT')
    },
  },
  {
    name: 'stopped (SIGTERM)',
    weight: 4,
    kills: false,
    async run(play) {
      await moment(play)
      await play.stopDaemon()
    },
  },
]

/** A daemon in the middle of something gets a signal, and after so many milliseconds the kill. */
function killedAfter(name: string, weight: number, signal: NodeJS.Signals, [from, to]: [number, number]): Strike {
  return {
    name,
    weight,
    kills: true,
    async run(play) {
      await moment(play)
      play.daemon?.child.kill(signal)
      await pause(play.chance.between(from, to))
      await play.killDaemon()
    },
  }
}

export const STARTS: readonly Strike[] = [
  { name: 'start', weight: 68, kills: false, run: (play) => play.startDaemon() },
  {
    name: 'starting daemon',
    weight: 15,
    kills: true,
    async run(play) {
      play.spawnDaemon()
      await pause(play.chance.between(60, 420))
      await play.killDaemon()
    },
  },
  { name: 'two started at once', weight: 6, kills: false, run: (play) => play.startTwo() },
  { name: 'command, daemon dead', weight: 11, kills: true, run: commandKilled },
]

/** How long a dead daemon stays dead: not at all, a moment, or long enough for agents to end unwatched. */
export function restartPauseMs(chance: Chance): number {
  if (chance.happens(0.45)) return 0
  return chance.happens(0.6) ? chance.between(0, 300) : chance.between(500, 1300)
}
