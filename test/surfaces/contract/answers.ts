/** Every sample carried out by the real command with --json, each that changes something in a workspace of its own. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { OPERATIONS } from '../../../src/operations/table.ts'
import { type Ended, startMillrace, wordsOf } from '../../rig/program.ts'
import { argsOf, SAMPLES, type Sample } from './samples.ts'
import { makeScene, type Scene } from './scene.ts'

export interface Answer {
  verb: string
  sample: Sample
  /** Folder it was given in. */
  cwd: string
  /** Of the command with --json. */
  ended: Ended
  /** The JSON values on stdout: one, or one for each line of what follows something. */
  values: unknown[]
  /** stdout of the same command without --json, for what can be asked twice. */
  text: string | null
}

const AT_ONCE = 2

/** `alsoText`: verbs that are asked a second time, without --json. */
export async function answersOf(alsoText: (verb: string) => boolean = () => false): Promise<Answer[]> {
  const scene = await makeScene()
  try {
    const programs = onlyPrograms(scene)
    const wanted = Object.entries(SAMPLES).flatMap(([verb, samples]) => samples.map((sample) => ({ verb, sample })))
    const answers: Answer[] = []
    let next = 0
    const one = async (): Promise<void> => {
      for (let at = next++; at < wanted.length; at = next++)
        answers[at] = await ask(scene, programs, wanted[at]!, alsoText(wanted[at]!.verb))
    }
    await Promise.all(Array.from({ length: AT_ONCE }, one))
    return answers
  } finally {
    scene.dispose()
  }
}

async function ask(
  scene: Scene,
  programs: string,
  { verb, sample }: { verb: string; sample: Sample },
  alsoText: boolean,
): Promise<Answer> {
  const stage = sample.on ?? 'worked'
  const onlyReads = sample.before === undefined && (await isRead(verb))
  const { cwd, known } = onlyReads ? scene.shared(stage) : scene.copy(stage)
  const words = wordsOf(argsOf(sample, known))
  const env = { PATH: programs, HOME: path.join(cwd, 'home') }
  const place = { cwd, env, ...(sample.stdin === undefined ? {} : { input: sample.stdin }) }
  const aside = async (line: string): Promise<void> => {
    const { status, stderr } = await startMillrace(wordsOf(argsOf({ ...sample, args: line }, known)), place).ended
    if (status !== 0) throw new Error(`millrace ${line}, beside millrace ${sample.args}: ${stderr}`)
  }
  if (sample.before !== undefined) await aside(sample.before)
  try {
    const text = alsoText ? (await startMillrace(words, place).ended).stdout : null
    const ended = await startMillrace([...words, '--json'], place).ended
    return { verb, sample, cwd, ended, values: valuesIn(ended.stdout), text }
  } finally {
    if (sample.after !== undefined) await aside(sample.after)
  }
}

async function isRead(verb: string): Promise<boolean> {
  const entry = OPERATIONS.find((one) => one.name === verb)
  return entry === undefined || (await entry.load()).flavour === 'read'
}

/** What the machine has installed must not show: a folder with the few programs that are needed. */
function onlyPrograms(scene: Scene): string {
  const { cwd } = scene.copy('empty')
  for (const name of ['git', 'sh', 'node']) {
    const found = (process.env.PATH ?? '')
      .split(':')
      .map((folder) => path.join(folder, name))
      .find(fs.existsSync)
    if (found !== undefined) fs.symlinkSync(found, path.join(cwd, name))
  }
  return cwd
}

/** One value over many lines, or many with a line each. */
function valuesIn(stdout: string): unknown[] {
  try {
    return [JSON.parse(stdout)]
  } catch {
    return stdout
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line))
  }
}
