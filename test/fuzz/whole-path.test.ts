/**
 * The same bytes by the way they really come: files dropped into the folders of a workspace at work. Whatever lies there,
 * the runtime goes on, says what is wrong in a sentence, and nothing of anybody's is lost.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { asMillraceError } from '../../src/core/errors.ts'
import { sha256 } from '../../src/core/ids.ts'
import type { StageRequest } from '../../src/core/request.ts'
import type { RawResult } from '../../src/core/result.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { doctor } from '../../src/operations/doctor/doctor.ts'
import { ls as queueLs } from '../../src/operations/queue/queue.ts'
import { ls as runsLs } from '../../src/operations/runs/runs.ts'
import { status } from '../../src/operations/status/status.ts'
import type { Runner } from '../../src/runners/runner.ts'
import { instantRunner } from '../../src/selftest/instant-runner.ts'
import { succeeding } from '../../src/selftest/story.ts'
import { disk } from '../../src/store/files.ts'
import { AT } from '../../src/store/layout.ts'
import { contextIn } from '../rig/context.ts'
import { documentText } from '../rig/documents.ts'
import { Rig } from '../rig/runtime.ts'
import { SEED } from '../rig/seed.ts'
import { anyBytes } from './generators.ts'
import { instantRig, workedWorkspace } from './workspace.ts'

const rigs: { dispose: () => void }[] = []
afterEach(() => {
  for (const rig of rigs.splice(0)) rig.dispose()
})

/** Files of one drop; every one of them different. */
const drawn = (examples: readonly Uint8Array[], count: number): Uint8Array[] =>
  fc.sample(anyBytes(examples), { seed: SEED, numRuns: count })

/** Hashes of everything that lies in the workspace. */
function everything(root: string): Set<string> {
  const names = fs.readdirSync(root, { recursive: true }) as string[]
  const files = names.map((name) => path.join(root, name)).filter((file) => fs.lstatSync(file).isFile())
  return new Set(files.map((file) => sha256(fs.readFileSync(file))))
}

/** What surfaces say meanwhile: an answer, or one sentence. */
async function look(root: string): Promise<void> {
  const context = { ...contextIn(root), runners: () => new Map<string, Runner>() }
  for (const read of [status, doctor, queueLs, runsLs]) {
    await sentenceOrNothing(() => read.run(context, {} as never))
  }
}

async function sentenceOrNothing(work: () => Promise<unknown>): Promise<string | null> {
  try {
    await work()
    return null
  } catch (error) {
    const { code } = asMillraceError(error) // as every surface tells it
    if (code === 'internal') throw new Error(`seed ${SEED}`, { cause: error })
    return code
  }
}

describe('bytes nobody asked for', () => {
  test('as work documents are set aside or carried out, and none is lost', async () => {
    const rig = await instantRig()
    rigs.push(rig)
    rig.addTask('sound')
    const kept: Uint8Array[] = []
    for (const [folder, kind] of [
      ['tasks/queue', 'task'],
      ['specs/queue', 'spec'],
      ['incidents/incoming', 'incident'],
      ['tasks/blocked', 'task'],
      ['probes/queue', 'probe'],
    ] as const) {
      drawn([Buffer.from(documentText(kind, 'x'))], 12).forEach((bytes, index) => {
        rig.place(`${folder}/fuzzed-${index}.md`, bytes)
        kept.push(bytes)
      })
    }
    await sentenceOrNothing(() => rig.work(60))
    await look(rig.root)
    const there = everything(rig.root)
    expect(
      kept.filter((bytes) => !there.has(sha256(bytes))).map((bytes) => Buffer.from(bytes).toString('base64')),
    ).toEqual([])
    expect(rig.exists('tasks/done/sound.md'), `seed ${SEED}`).toBe(true)
  })

  test('as ideas become specs or are passed over, and stay where they are', async () => {
    const rig = await instantRig()
    rigs.push(rig)
    const inbox = path.join(rig.root, 'ideas/inbox')
    fs.mkdirSync(inbox, { recursive: true })
    const ideas = drawn([Buffer.from('# An idea\n\nMake it so.\n')], 15)
    const past = new Date(Date.now() - 60_000)
    const names = ideas.map((bytes, index) => {
      const name = `${index}-${Buffer.from(bytes).toString('latin1').replace(/[/\0]/g, '').slice(0, 40)}.md`
      fs.writeFileSync(path.join(inbox, name), bytes)
      fs.utimesSync(path.join(inbox, name), past, past)
      return name
    })
    expect(await sentenceOrNothing(() => rig.ticks(3)), `seed ${SEED}`).toBeNull()
    await look(rig.root)
    names.forEach((name, index) => {
      expect(fs.readFileSync(path.join(inbox, name)).equals(ideas[index]!)).toBe(true)
    })
    const told = rig.log('idea_normalized_to_spec').length + rig.log('idea_normalization_skipped').length
    expect(told, `seed ${SEED}`).toBe(names.length)
  })

  test('as commands are archived, and keep no other command waiting', async () => {
    const rig = await instantRig()
    rigs.push(rig)
    const envelope = {
      schema_version: '1.0',
      kind: 'mailbox_command',
      command_id: 'c',
      command: 'pause',
      issued_at: '2026-03-02T09:15:00.000Z',
      payload: { reason: 'x' },
    }
    const huge = { ...envelope, payload: { reason: 'r'.repeat(1_500_000) } }
    const commands = [
      ...drawn([Buffer.from(JSON.stringify(envelope))], 40),
      Buffer.from(JSON.stringify(huge)),
      Buffer.from(JSON.stringify({ ...envelope, command: '"'.repeat(900_000) })),
      Buffer.from(
        `{"kind":"mailbox_command","command":"pause","command_id":"c","payload":{"a":[${'1,'.repeat(900_000)}1]}}`,
      ),
      Buffer.from(
        `{"kind":"mailbox_command","command":"pause","command_id":"c","payload":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`,
      ),
      Buffer.alloc(5_000_000, 0x5b),
    ]
    commands.forEach((bytes, index) => {
      rig.place(`${AT.incoming}/fuzzed-${index}.json`, bytes)
    })
    const id = await rig.command('resume')
    expect(await sentenceOrNothing(() => rig.ticks(2)), `seed ${SEED}`).toBeNull()
    expect(rig.list(AT.incoming)).toEqual([])
    expect(rig.exists(AT.processed, `${id}.json`)).toBe(true)
    const archived = [...rig.list(AT.processed), ...rig.list(AT.failed)].filter((name) => name.startsWith('fuzzed-'))
    expect(archived.length, `seed ${SEED}`).toBe(commands.length)
  })

  test('as the result file of a stage fail that stage and nothing else', async () => {
    const results = drawn(
      [
        Buffer.from(
          JSON.stringify({ terminal_result: 'BUILDER_COMPLETE', summary: 's', artifacts: ['a'], notes: ['n'] }),
        ),
      ],
      25,
    )
    results.push(
      Buffer.from(JSON.stringify({ terminal_result: 'BUILDER_COMPLETE', artifacts: ['a\0b', `${'a/'.repeat(3000)}`] })),
    )
    results.push(Buffer.from(JSON.stringify({ terminal_result: 'x', notes: Array.from({ length: 300_000 }, () => 7) })))
    results.push(
      Buffer.concat([
        Buffer.from('{"terminal_result":"BUILDER_COMPLETE","summary":"'),
        Buffer.alloc(4_000_000, 0xff),
        Buffer.from('"}'),
      ]),
    )
    const rig = await Rig.create({
      runners: () =>
        new Map([['scripted', leaving((request) => ({ result: results.pop() ?? Buffer.from('{'), request }))]]),
    })
    rigs.push(rig)
    const tasks = 3
    for (let index = 0; index < tasks; index++) rig.addTask(`T-${index}`)
    expect(await sentenceOrNothing(() => rig.work(60)), `seed ${SEED}`).toBeNull()
    await look(rig.root)
    expect(rig.log('run_held'), `seed ${SEED}`).toEqual([])
    expect(rig.list('tasks/active')).toEqual([])
    expect(rig.log('stage_completed').length).toBeGreaterThan(tasks)
  })

  test('as documents handed in are published or refused, and hold no run', async () => {
    const handIns = drawn([Buffer.from(documentText('task', 'x'))], 40)
    const large = Buffer.from(documentText('task', 'x', {}, '"'.repeat(900_000)))
    const rig = await Rig.create({
      runners: () =>
        new Map([
          [
            'scripted',
            leaving((request) => ({
              request,
              handIns:
                request.hand_ins.length === 0
                  ? []
                  : [...handIns.splice(0, 8), ...Array.from({ length: 9 }, () => large)],
            })),
          ],
        ]),
    })
    rigs.push(rig)
    rig.addSpec('S-1')
    expect(await sentenceOrNothing(() => rig.work(40)), `seed ${SEED}`).toBeNull()
    await look(rig.root)
    expect(rig.log('run_held'), `seed ${SEED}`).toEqual([])
    expect(rig.list('specs/active')).toEqual([])
  })
})

describe('a state file nobody can have written', () => {
  test('is refused or taken for absent, in a sentence, and stays for a person to look at', async () => {
    const workspace = await workedWorkspace()
    rigs.push(workspace)
    const { rig, root } = workspace
    const target = `${AT.targets}/${rig.list(AT.targets)[0]}`
    const history = `${workspace.run}/transition_history.jsonl`
    const result = `${workspace.run}/stage_results/${workspace.requestId}.json`
    const lock = `${AT.lockFolder}/${rig.list(AT.lockFolder).at(-1)}`
    const files = [
      AT.snapshot,
      AT.counters,
      AT.plan,
      AT.baseline,
      AT.events,
      AT.journal,
      AT.config,
      AT.lockFile,
      AT.diagnostics,
    ]
    for (const file of [...files, target, history, result, lock]) {
      const sound = fs.existsSync(rig.at(file)) ? fs.readFileSync(rig.at(file)) : null
      const before = everything(root)
      for (const bytes of drawn([sound ?? Buffer.from('{}')], 2)) {
        fs.writeFileSync(rig.at(file), bytes)
        await look(root)
        const refused = await sentenceOrNothing(async () => {
          const engine = await rig.open()
          await rig.close()
          return engine
        })
        if (refused !== null && file !== AT.journal) {
          expect(fs.readFileSync(rig.at(file)).equals(bytes), `${file}, seed ${SEED}`).toBe(true)
        }
        restore(rig, file, sound)
      }
      // A folder in its place is no file that can be read either.
      fs.rmSync(rig.at(file), { force: true })
      fs.mkdirSync(rig.at(file))
      await look(root)
      fs.rmdirSync(rig.at(file))
      restore(rig, file, sound)
      expect(everything(root).size, file).toBeGreaterThan(before.size / 2)
    }
  })
})

function restore(rig: Rig, file: string, sound: Uint8Array | null): void {
  fs.rmSync(rig.at(file), { force: true, recursive: true })
  if (sound !== null) fs.writeFileSync(rig.at(file), sound)
}

interface Left {
  request: StageRequest
  result?: Uint8Array
  handIns?: Uint8Array[]
}

/** A runner whose agent leaves what it is given, and reports success. */
function leaving(left: (request: StageRequest) => Left): Runner {
  const inner = instantRunner(disk, systemClock, succeeding())
  return {
    ...inner,
    async start(request): Promise<Awaited<ReturnType<Runner['start']>> | RawResult> {
      const handle = await inner.start(request)
      const { result, handIns = [] } = left(request)
      if (result) fs.writeFileSync(request.terminal_result_path, result)
      handIns.forEach((bytes, index) => {
        const folder = path.join(request.outbox_dir, 'task')
        fs.mkdirSync(folder, { recursive: true })
        fs.writeFileSync(path.join(folder, `${request.request_id}-${index}.md`), bytes)
      })
      return handle
    },
  }
}
