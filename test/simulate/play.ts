/** Playing stories: one seed, one run; a failure is shrunk to the shortest story that still fails. */
import fc from 'fast-check'
import { setConfig } from '../../src/operations/commands/settings.ts'
import { COMMANDS } from '../../src/operations/commands/table.ts'
import type { Installation } from '../../src/selftest/scene.ts'
import { hashTree } from '../../src/selftest/simulated-disk.ts'
import { disk } from '../../src/store/files.ts'
import { type Action, HONEST, type Story, storyArbitrary, type Temper } from './actions.ts'
import { quickly } from './installed.ts'
import { shrunk } from './shrink.ts'
import { World } from './world.ts'

export interface Played {
  problems: readonly string[]
  counts: World['counts']
  /** Of everything on the disk in the end. */
  hash: string
}

export const installationIn = (packageRoot: string): Installation => ({
  disk: quickly(disk),
  packageRoot,
  version: '0.0.0-simulated',
  // Loading takes real time, of which the time played here knows nothing.
  commands: { ...COMMANDS, set_config: setConfig },
})

export async function play(installation: Installation, seed: number, story: Story): Promise<Played> {
  const world = await World.create(installation, seed, story)
  for (const [number, action] of story.actions.entries()) {
    await world.act(action, number)
    if (world.problems.length > 0) break
  }
  if (world.problems.length === 0) await world.comeToRest()
  return { problems: world.problems, counts: world.counts, hash: hashTree(world.disk.top) }
}

export interface Failure {
  seed: number
  problems: readonly string[]
  /** The shortest story that was found, as it can be played again. */
  story: Story
  tries: number
}

export interface Outcome {
  failure: Failure | null
  played: Played
}

/** The story of a seed, with actions of this number at most; shrunk for at most this long if it fails. */
export async function simulate(
  installation: Installation,
  seed: number,
  actionsMax: number,
  shrinkMsMax: number,
): Promise<Outcome> {
  const story = storyOf(seed, actionsMax)
  const played = await play(installation, seed, story)
  if (played.problems.length === 0) return { failure: null, played }
  const endMs = performance.now() + shrinkMsMax
  const fails = async (candidate: Story) => kindOf(await play(installation, seed, candidate))
  const short = await shrunk(story, fails, () => performance.now() > endMs)
  const { problems } = await play(installation, seed, short.story)
  return { failure: { seed, problems, story: short.story, tries: short.tries }, played }
}

export const storyOf = (seed: number, actionsMax: number): Story =>
  fc.sample(storyArbitrary(actionsMax), { seed, numRuns: 1 })[0]!

/**
 * A story in which a task is blocked by a failure that may pass, while another waits for it, before everything else
 * happens: the time until it is put back falls into that.
 */
export function withBlockedDependency({ actions, tempers }: Story): Story {
  const add = (item: number): Action => ({ do: 'command', form: 'add_task', item, after: 0, issued: false })
  const first: Action[] = [{ do: 'config', form: 'short' }, { do: 'pass', seconds: 1 }, add(0), add(1)]
  const failing: Temper = { ...HONEST, ends: 'provider' }
  return { actions: [...first, { do: 'pass', seconds: 10 }, ...actions], tempers: [failing, ...tempers] }
}

/** How a story fails, whoever it happens to; null if it does not. */
const kindOf = ({ problems }: Played): string | null =>
  problems[0]
    ?.replace(/^[^:]*: /, '')
    .replace(/\S*\d\S*/g, '#')
    .slice(0, 60) ?? null

export function told({ seed, problems, story, tries }: Failure): string {
  const lines = story.actions.map((action) => `  ${JSON.stringify(action)}`)
  const tempers = story.tempers.map((temper) => `  ${JSON.stringify(temper)}`)
  return [
    `seed ${seed}, shrunk in ${tries} tries:`,
    ...problems.map((problem) => `! ${problem}`),
    'actions:',
    ...lines,
    'agents:',
    ...tempers,
  ].join('\n')
}
