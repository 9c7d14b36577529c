/** Kills until enough have happened, lets the work come to its end, and tells what was found. */
import { parseArgs } from 'node:util'
import { pause } from './chance.ts'
import { Play } from './play.ts'
import { agentProcesses, kill } from './processes.ts'
import { summaryOf, tableOf } from './report.ts'
import { Scene } from './scene.ts'
import { restartPauseMs, STARTS, STRIKES } from './strikes.ts'

/** Gives the exit status: 0 if everything held. */
export async function main(argv: string[], repository: string): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: { kills: { type: 'string' }, seed: { type: 'string' }, json: { type: 'boolean' } },
  })
  if (process.platform !== 'linux')
    throw new Error('the processes of an agent are found by /proc, which only Linux has')
  const kills = Number(values.kills ?? 50)
  const seed = Number(values.seed ?? Date.now() % 1_000_000)
  const tell = (line: string) => void (values.json ? process.stderr : process.stdout).write(`${line}\n`)

  const began = performance.now()
  const scene = new Scene(repository)
  const play = new Play(scene, seed)
  tell(`seed ${seed}, ${kills} kills, in ${scene.folder}`)
  let last = { missing: [] as string[], orphans: 0 }
  try {
    await scene.prepare()
    play.feeder.start()
    while (play.kills < kills && play.problems.length === 0) {
      if (play.daemon === null) await pause(restartPauseMs(play.chance))
      await play.strike(play.chance.choose(play.daemon === null ? STARTS : STRIKES))
      play.checkDaemon()
      tell(play.lastStrike)
    }
    await play.feeder.stop()
    if (play.problems.length === 0) await play.finish()
    if (play.problems.length === 0) last = await play.audit.complete(play.feeder)
  } catch (error) {
    play.problem((error as Error).stack ?? String(error))
  } finally {
    await play.feeder.stop()
    // A daemon that is stopped or stuck, and agents of a play that failed, must not outlive it.
    play.daemon?.child.kill('SIGKILL')
    await play.daemon?.ended
    for (const { pid } of agentProcesses(scene.at('runs'))) kill(pid)
  }
  const summary = summaryOf(play, { seed, seconds: (performance.now() - began) / 1000, ...last })
  if (values.json) process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`)
  else tell(tableOf(summary))
  for (const problem of play.problems) tell(`PROBLEM, seed ${seed}, ${problem}`)
  if (play.problems.length > 0) tell(`The folder is kept: ${scene.folder}`)
  else scene.remove()
  return play.problems.length === 0 ? 0 : 1
}
