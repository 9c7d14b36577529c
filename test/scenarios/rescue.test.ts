/** No lost edit: the user's working tree is kept before each stage, named after an interruption, and given back on request. */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Snapshot } from '../../src/core/state.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { OPERATIONS } from '../../src/operations/table.ts'
import { execWith } from '../../src/runners/exec.ts'
import { processIdentity } from '../../src/runners/process.ts'
import { processRecord } from '../../src/store/lock.ts'
import { contextIn } from '../rig/context.ts'
import { Daemon, killAgent, Live, until } from '../rig/live.ts'
import { Rig, type RigOptions, reply } from '../rig/runtime.ts'

let rig: Rig
afterEach(() => rig?.dispose())

const git = (...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.invalid', ...args], {
    cwd: rig.root,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: rig.root },
  })
const put = (name: string, text: string) => fs.writeFileSync(path.join(rig.root, name), text)
const text = (name: string) => fs.readFileSync(path.join(rig.root, name), 'utf8')

async function operate<T>(name: string, input: object): Promise<T> {
  const operation = await OPERATIONS.find((one) => one.name === name)!.load()
  return operation.run(contextIn(rig.root), input) as Promise<T>
}

/** A project under version control with an edit nobody has committed, and a task in the queue. */
async function project(options: RigOptions): Promise<void> {
  rig = await Rig.create(options)
  git('init', '--quiet')
  put('code.txt', 'committed\n')
  git('add', 'code.txt')
  git('commit', '--quiet', '-m', 'first')
  put('code.txt', 'edited by a person\n')
  put('notes.txt', 'never committed\n')
  rig.addTask('task-a')
}

const write = (file: string, content: string) => ({ write: { path: path.join('{workspace}', file), text: content } })
const run = (command: string) => ({ run: { command } })
const last = (stage: string) => rig.requests(stage).at(-1)!

describe('a stage that was interrupted by a crash', () => {
  const destroy = [run('echo "half done" > code.txt; rm notes.txt; echo made > made.txt'), { say: 'destroyed' }]

  async function crashed(): Promise<string> {
    await project({ replies: [{ stage: 'builder', steps: [...destroy, { wait_ms: 60_000 }], outcome: null }] })
    const daemon = new Daemon(rig)
    const requestId = await daemon.agent('builder')
    await until('its edits', () => fs.existsSync(path.join(rig.root, 'made.txt')))
    await daemon.kill()
    await killAgent(requestId)
    rig.replies([])
    return requestId
  }

  test('is run again with a prompt that names the tree from before it, and how to look at that', async () => {
    const requestId = await crashed()
    await rig.work()
    const second = last('builder')
    const ref = `refs/millrace/rescue/${second.run_id}/${requestId}`
    expect(second.previous_attempt).toMatchObject({ request_id: requestId, rescue_ref: ref })
    const prompt = rig.read('runs', second.run_id, `runner_prompt.${second.request_id}.md`)
    expect(prompt).toContain(`git diff ${ref}`)
    expect(prompt).toContain('Do not check its files out blindly')
    expect(git('show', `${ref}:code.txt`)).toBe('edited by a person\n')
    expect(git('show', `${ref}:notes.txt`)).toBe('never committed\n')
    expect(git('diff', '--stat', ref)).toContain('code.txt')
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })

  test('loses nobody an edit: every file is given back, and what the stage did is kept as well', async () => {
    const requestId = await crashed()
    const status = git('status', '--porcelain', '--', 'code.txt')
    const answer = await operate<{ state: string; present_ref: string }>('rescue restore', {
      ref: requestId,
      apply: true,
      force: true,
    })
    expect(answer).toMatchObject({ state: 'applied' })
    expect([text('code.txt'), text('notes.txt'), text('made.txt')]).toEqual([
      'edited by a person\n',
      'never committed\n',
      'made\n',
    ])
    expect(git('show', `${answer.present_ref}:code.txt`)).toBe('half done\n')
    expect(git('status', '--porcelain', '--', 'code.txt')).toBe(status)
    expect(git('rev-list', '--count', 'HEAD')).toBe('1\n')
  })

  test('leaves no half-read working tree behind, and neither does a command that was killed', async () => {
    const requestId = await crashed()
    const runs = rig.list('runs')
    const halfRead = rig.at('runs', runs[0]!, `working_tree.${requestId}`)
    fs.mkdirSync(halfRead)
    fs.linkSync(path.join(rig.root, '.git/index'), path.join(halfRead, 'index'))
    const [dead, alive] = ['rescue-00000000000000dd', 'rescue-00000000000000aa']
    for (const name of [dead, alive]) fs.mkdirSync(rig.at('state', name))
    const owner = processRecord(processIdentity)
    fs.writeFileSync(rig.at('state', alive, 'owner.json'), JSON.stringify(owner))
    fs.writeFileSync(rig.at('state', dead, 'owner.json'), JSON.stringify({ ...owner, start_time: '1' }))
    await rig.work()
    expect(fs.existsSync(halfRead)).toBe(false)
    expect(rig.list('state').filter((name) => name.startsWith('rescue-'))).toEqual([alive])
    expect(git('ls-files')).toBe('code.txt\n')
  })

  test('keeps the ref from before its first attempt when the next one never came to keep a tree', async () => {
    const requestId = await crashed()
    const engine = await rig.open()
    const first = engine.workspace.view().snapshot.active_runs[0]!
    await rig.close()
    const snapshot = rig.json<Snapshot>('state/runtime_snapshot.json')
    const folder = rig.at('runs', first.run_id, 'stage_requests')
    const request = JSON.parse(fs.readFileSync(path.join(folder, `${requestId}.json`), 'utf8'))
    fs.writeFileSync(path.join(folder, 'request-lost.json'), JSON.stringify({ ...request, request_id: 'request-lost' }))
    Object.assign(snapshot.active_runs[0]!, { status: 'started', request_id: 'request-lost' })
    fs.writeFileSync(rig.at('state/runtime_snapshot.json'), JSON.stringify(snapshot))
    await rig.work()
    expect(last('builder').previous_attempt).toMatchObject({
      request_id: 'request-lost',
      rescue_ref: `refs/millrace/rescue/${first.run_id}/${requestId}`,
    })
  })
})

describe('the result of a stage', () => {
  test('holds the trees from before and after, so that a stage that changed nothing is told from one that did', async () => {
    await project({
      replies: [reply('builder', 'BUILDER_COMPLETE', { steps: [{ artifacts: true }, write('new.txt', 'x')] })],
    })
    await rig.work()
    const trees = ['builder', 'checker'].map((stage) => rig.result(last(stage)).working_tree!)
    const [builder, checker] = trees as [(typeof trees)[0], (typeof trees)[0]]
    expect(builder.problem).toBeNull()
    expect(git('ls-tree', '--name-only', builder.before!).split('\n')).not.toContain('new.txt')
    expect(git('ls-tree', '--name-only', builder.after!).split('\n')).toContain('new.txt')
    expect(checker.before).toBe(builder.after)
    expect(checker.after).toBe(checker.before)
    expect(git('rev-parse', `${builder.ref}^{tree}`).trim()).toBe(builder.before)
    const shown = await operate<{ stages: { node_id: string; working_tree: { state: string } }[] }>('runs show', {
      run_id: last('builder').run_id,
    })
    expect(shown.stages.map((stage) => [stage.node_id, stage.working_tree.state])).toEqual([
      ['builder', 'changed'],
      ['checker', 'unchanged'],
      ['updater', 'unchanged'],
    ])
    expect(rig.list('runs', last('builder').run_id).filter((name) => name.startsWith('working_tree'))).toEqual([])
  })

  test('says that protection was off outside a repository, and the stage runs all the same', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    await rig.work()
    expect(rig.result(last('builder')).working_tree).toEqual({
      before: null,
      after: null,
      ref: null,
      left_out: [],
      problem: `${rig.root} is not in a git repository.`,
    })
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })

  test('says why no tree was kept when git fails, and the stage runs all the same', async () => {
    await project({})
    fs.rmSync(path.join(rig.root, '.git/objects'), { recursive: true })
    await rig.work()
    expect(rig.result(last('builder')).working_tree).toMatchObject({
      before: null,
      problem: expect.stringMatching(/git/),
    })
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })

  test('of an agent that was adopted has the tree from before it was started', async () => {
    await project({
      replies: [
        reply('builder', 'BUILDER_COMPLETE', {
          steps: [{ artifacts: true }, { wait_ms: 800 }, write('late.txt', 'x')],
        }),
      ],
    })
    const daemon = new Daemon(rig)
    await daemon.agent('builder')
    await daemon.kill()
    await rig.work()
    expect(rig.log('stage_adopted')).toHaveLength(1)
    const tree = rig.result(last('builder')).working_tree!
    expect(git('rev-parse', `${tree.ref}^{tree}`).trim()).toBe(tree.before)
    expect(git('diff', '--name-only', tree.before!, tree.after!)).toBe('late.txt\n')
  })
})

describe('a stop', () => {
  test('tells the next attempt of the tree from before the one it cut short', async () => {
    await project({ replies: [{ stage: 'builder', steps: [{ wait_ms: 60_000 }], outcome: null }] })
    const live = await Live.start(rig)
    const requestId = await live.agent('builder')
    await live.command('stop')
    await live.finish()
    const { previous_attempt, run_id } = rig.json<Snapshot>('state/runtime_snapshot.json').active_runs[0]!
    expect(previous_attempt).toEqual({
      request_id: requestId,
      reason: 'the runtime was stopped',
      rescue_ref: `refs/millrace/rescue/${run_id}/${requestId}`,
    })
  })

  test('that comes while the tree is being kept starts no agent', async () => {
    let isKeeping = false
    const real = execWith(systemClock)
    await project({
      exec: async (file, args, options) => {
        if (args.includes('ls-files')) {
          isKeeping = true
          await new Promise((resolve) => setTimeout(resolve, 400))
        }
        return real(file, args, options)
      },
    })
    const live = await Live.start(rig)
    await live.until('the tree to be kept', () => isKeeping)
    await live.command('stop')
    await live.finish()
    const [state] = rig.json<Snapshot>('state/runtime_snapshot.json').active_runs
    expect(state).toMatchObject({ status: 'ready', node_id: 'builder', interruptions: 0 })
    expect(rig.list('runs', state!.run_id).filter((name) => name.startsWith('runner_prompt'))).toEqual([])
  })
})

test('the tick does not wait while a tree is being kept', async () => {
  const real = execWith(systemClock)
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  await project({
    exec: async (file, args, options) => {
      if (args.includes('ls-files')) await held
      return real(file, args, options)
    },
  })
  const live = await Live.start(rig)
  await live.until('the stage to be started', () => rig.log('stage_started').length === 1)
  expect(await live.command('pause')).toMatchObject({ disposition: 'processed' })
  expect(rig.list('runs', last('builder').run_id).some((name) => name.startsWith('runner_prompt'))).toBe(false)
  release()
  await live.agent('builder')
  await live.close()
})
