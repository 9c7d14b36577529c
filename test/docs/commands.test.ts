/**
 * Every command of every document, carried out in the order in which it stands there. See README.md for how a document
 * says in which workspace a block is to be tried.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Stage } from '../surfaces/contract/scene.ts'
import { documents, REPOSITORY } from './documents.ts'
import { type Played, Stagehand } from './play.ts'
import { type Command, commandsIn } from './shell.ts'

const TIMEOUT_MS = 200_000
const STAGES: readonly string[] = ['worked', 'new', 'planning', 'asking', 'empty'] satisfies Stage[]
/** What installs, or asks the system: tried where it changes nothing but this machine. */
const INSTALLS = /^(npm (ci|install|link|uninstall)|git clone|sudo|systemctl|loginctl|launchctl|npx )\b/

const stagehand = new Stagehand()
afterAll(() => stagehand.dispose())

interface Sequence {
  /** The workspace it begins in; null: the home of a reader who has none. */
  stage: Stage | null
  commands: Command[]
}

/** Blocks without a word go on where the one before them ended; a block with the name of a workspace has a copy of it. */
function sequencesOf(blocks: ReturnType<typeof documents>[number]['blocks']): Sequence[] {
  const own: Sequence = { stage: null, commands: [] }
  const others: Sequence[] = []
  for (const { language, words, text, line } of blocks) {
    if (language !== 'bash') continue
    const [word] = words
    if (word !== undefined && !STAGES.includes(word)) throw new Error(`line ${line}: there is no workspace ${word}`)
    const commands = commandsIn(text, line).filter(
      (command) => !INSTALLS.test(command.text) && !isOfRepository(command),
    )
    if (word === undefined) own.commands.push(...commands)
    else others.push({ stage: word as Stage, commands })
  }
  return [own, ...others].filter(({ commands }) => commands.length > 0)
}

/** Scripts of this repository: what they do is what builds and tests it. */
const scriptOf = ({ text }: Command): string | null =>
  /^npm (?:run (\S+)|(test|start))/.exec(text)?.slice(1).find(Boolean) ?? null

function isOfRepository(command: Command): boolean {
  const script = scriptOf(command)
  if (script === null) return false
  const { scripts } = JSON.parse(fs.readFileSync(path.join(REPOSITORY, 'package.json'), 'utf8'))
  if (!Object.hasOwn(scripts, script)) throw new Error(`line ${command.line}: there is no script ${script}`)
  return true
}

const wrong = ({ command, status, said }: Played): string[] =>
  status === command.status
    ? []
    : [
        `line ${command.line}: ${command.text}\nended with ${status} instead of ${command.status}:\n${said.slice(-1500)}`,
      ]

const played = documents()
  .map((document) => [document.name, sequencesOf(document.blocks)] as const)
  .filter(([, sequences]) => sequences.length > 0)

describe('commands of documents', () => {
  it.each(played)(
    'do what is said: %s',
    async (_, sequences) => {
      for (const { stage, commands } of sequences) {
        const { cwd, names } = stage === null ? { cwd: stagehand.home(), names: {} } : await stagehand.copy(stage)
        expect((await stagehand.play(commands, cwd, names)).flatMap(wrong)).toEqual([])
      }
    },
    TIMEOUT_MS,
  )

  it('are seen to fail, with what was said, also where the shell ends before their turn', async () => {
    const block =
      'cd my-project && millrace status # exit 1\nmillrace stats\ncat <<END\ntwo\nlines\nEND\nexit 4\nmillrace version\n'
    const commands = commandsIn(block, 10)
    const ended = await stagehand.play(commands, stagehand.home(), {})
    expect(ended.map(({ command, status }) => [command.line, status])).toEqual([
      [11, 1],
      [12, 2],
      [13, 0],
      [17, null],
      [18, null],
    ])
    expect(wrong(ended[1]!)[0]).toContain('did you mean `millrace status`?')
    expect(wrong(ended[0]!)).toEqual([])
    expect(wrong(ended[4]!)[0]).toContain('ended with null')
  })
})
