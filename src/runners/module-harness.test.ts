import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { clock, requestIn, temporaryFolder } from '../../test/agents/rig.ts'
import { parseConfig } from '../core/config.ts'
import { disk } from '../store/files.ts'
import { runnersFor } from './registry.ts'

const workspace = temporaryFolder()
afterAll(() => fs.rmSync(workspace, { recursive: true, force: true }))

/** The runner of a module with this text; without a text there is no module. */
function runnerOf(text: string | null) {
  const file = `adapter-${clock.hex(8)}.mjs`
  if (text !== null) fs.writeFileSync(path.join(workspace, file), text)
  const ports = { files: disk, clock, environment: { PATH: process.env.PATH }, workspaceRoot: workspace }
  const config = parseConfig({ runners: { modules: { mine: file } } }, 'test')
  return { file, runner: runnersFor(config, { ...ports, scriptedAgent: '', driver: '' }).get('mine')! }
}

const harness = (members: string) => `export default ({ name, workspaceRoot, probe }) => (${members})`
const REST =
  "output: 'text', transcript: () => ({}), probe: () => probe({ program: 'sh', versionArgs: null, remedy: '' })"

describe('a runner from a module', () => {
  it.each<[string, string | null, RegExp]>([
    ['is not there', null, /^The module adapter-\w+\.mjs cannot be loaded: Cannot find module/],
    ['is no JavaScript', 'export default (', /^The module adapter-\w+\.mjs cannot be loaded: /],
    [
      'fails when it is loaded',
      "throw new Error('no luck')",
      /^The module adapter-\w+\.mjs cannot be loaded: no luck\.$/,
    ],
    ['waits while it is loaded', 'await null', /^The module adapter-\w+\.mjs cannot be loaded: /],
    ['exports nothing', 'export const harness = 1', /has no function as its default export\.$/],
    [
      'gives nothing',
      'export default () => null',
      /gives no harness: it lacks output .*, command, transcript, probe\.$/,
    ],
    ['gives half a harness', harness(`{ ${REST} }`), /gives no harness: it lacks command\.$/],
  ])('that %s starts nothing and says so in a sentence', async (_title, text, problem) => {
    const { runner } = runnerOf(text)
    const request = requestIn(workspace, { runner_name: 'mine' })
    const started = await runner.start(request)
    expect(started).toMatchObject({ ending: 'not_started', cause: 'missing_binary', runner_name: 'mine' })
    const { message } = started as { message: string }
    expect(message).toMatch(/^Runner mine: The module /)
    expect(message.replace('Runner mine: ', '')).toMatch(problem)
    expect(message).not.toContain('\n')
    expect(await runner.probe()).toMatchObject({ runner: 'mine', ok: false, problem: expect.stringMatching(problem) })
  })

  it('that fails when it is asked says so too', async () => {
    const { runner } = runnerOf(
      harness(`{ ${REST}, command() { throw new Error('oh no') }, probe() { throw 'never' } }`),
    )
    const message = 'Runner mine: its module failed: oh no.'
    expect(await runner.start(requestIn(workspace))).toMatchObject({ ending: 'not_started', message })
    expect(await runner.probe()).toMatchObject({ ok: false, problem: 'its module failed: never.' })
  })

  it('is loaded when it is first needed, and told its name and workspace', async () => {
    const text = `globalThis.loadedAdapters = (globalThis.loadedAdapters ?? 0) + 1
      ${harness(`{ ${REST}, command: () => ({ refused: name + ' in ' + workspaceRoot }) }`)}`
    const { runner } = runnerOf(text)
    expect(globalThis).not.toHaveProperty('loadedAdapters')
    expect(await runner.start(requestIn(workspace))).toMatchObject({ message: `mine in ${workspace}` })
    await runner.start(requestIn(workspace))
    expect(await runner.probe()).toMatchObject({ runner: 'mine', ok: true })
    expect(globalThis).toHaveProperty('loadedAdapters', 1)
  })

  it('that is gone when its agent ends makes nothing of what the agent said', async () => {
    const { runner } = runnerOf(null)
    const request = requestIn(workspace, { runner_name: 'mine' })
    fs.mkdirSync(request.run_dir, { recursive: true })
    fs.writeFileSync(path.join(request.run_dir, `runner_stdout.${request.request_id}.txt`), '### BUILDER_COMPLETE\n')
    expect(await runner.collect(request)).toMatchObject({
      final_message: null,
      ending: expect.not.stringMatching('^exited$'),
    })
  })
})
