/**
 * A holder of whom nothing can be proven is succeeded by force while it stands between two calls of a transaction, and
 * then wakes up. It is stopped at every such place, right after its guard was asked.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { faultyFiles } from '../../src/selftest/faulty-files.ts'
import { disk, type Files } from '../../src/store/files.ts'
import type { Places } from '../../src/store/layout.ts'
import { readWorkspace, Workspace } from '../../src/store/workspace.ts'
import { bundled } from '../rig/bundle.ts'
import { Incarnations } from '../rig/incarnations.ts'
import { until } from '../rig/live.ts'
import { read, temporaryFolder } from '../rig/store.ts'
import { beforeStory, later } from '../rig/story.ts'
import { newTransaction } from '../rig/succession.ts'

const lives = new Incarnations()
const HISTORY = 'runs/run-1/transition_history.jsonl'
const OLD_LINE = '{"by":"old"}\n'
const CALLS_MAX = 40

interface Stopped {
  places: Places
  child: ChildProcess
  /** The call it stands before: operation and file, relative to the runtime root; null if it was through already. */
  before: string | null
  /** Lets it go on; gives its exit status and what it said. */
  wake(): Promise<{ status: number | null; said: string }>
}

/** A holder that stands right before its nth call. */
async function stoppedBefore(call: number): Promise<Stopped> {
  const places = beforeStory(temporaryFolder())
  const program = bundled(path.join(import.meta.dirname, '../rig/stopped-holder.ts'))
  const child = spawn(process.execPath, [program, places.root, String(call)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let [told, said] = ['', '']
  child.stdout.on('data', (text) => {
    told += text
  })
  child.stderr.on('data', (text) => {
    said += text
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const isStopped = () => fs.readFileSync(`/proc/${child.pid}/stat`, 'latin1').includes(') T ')
  await until('the holder to stop', () => child.exitCode !== null || (told.endsWith('\n') && isStopped()))
  const before = told.startsWith('made') ? null : told.trim().replaceAll(`${places.runtime}/`, '')
  const wake = async () => {
    child.kill('SIGCONT')
    return { status: await ended, said }
  }
  return { places, child, before, wake }
}

const open = (places: Places, files: Files = disk, force = false): Promise<Workspace> => {
  const onFatal = (error: Error): never => {
    throw error
  }
  return Workspace.open({ files, clock: later, processes: lives.next() }, places.root, { onFatal, force })
}

/** Text of every file below the runtime root, hidden ones too. */
function everything({ runtime }: Places): Record<string, string> {
  const names = fs.readdirSync(runtime, { recursive: true, encoding: 'utf8' }).sort()
  const files = names.filter((name) => fs.lstatSync(path.join(runtime, name)).isFile())
  return Object.fromEntries(files.map((name) => [name, read(runtime, name)]))
}

/** What the late call may have left, beside what was there: nothing, or what take-lock.ts says. */
function afterwards(before: string, was: Record<string, string>, is: Record<string, string>) {
  const [operation = '', file = ''] = before.split(' ')
  const added = Object.keys(is).filter((name) => !(name in was))
  const gone = Object.keys(was).filter((name) => !(name in is))
  const changed = Object.keys(is).filter((name) => name in was && was[name] !== is[name])
  return { operation, file, added, gone, changed }
}

/** Stops a holder everywhere, one after the other, and gives what was told of each place. */
async function everywhere(story: (stopped: Stopped & { before: string }) => Promise<void>): Promise<string[]> {
  const places: string[] = []
  for (let call = 1; call <= CALLS_MAX; call++) {
    const stopped = await stoppedBefore(call)
    const { before, child } = stopped
    try {
      if (before === null) return places
      places.push(before)
      await story({ ...stopped, before })
    } catch (error) {
      throw new Error(`stopped before call ${call}: ${before}`, { cause: error })
    } finally {
      child.kill('SIGKILL')
    }
  }
  throw new Error('the transaction never ends')
}

const LINUX_ONLY = { skip: process.platform !== 'linux', timeout: 120_000 }

describe('a holder that wakes after it was succeeded by force', LINUX_ONLY, () => {
  test('changes nothing any more, but for one line of a log told twice; its transaction is whole or none', async () => {
    let happened = false
    const stops = await everywhere(async ({ places, before, wake }) => {
      const next = await open(places, disk, true)
      expect(next.recovered).toBe(happened ? 'applied' : 'clean')
      expect(next.view().snapshot.last_claimed_plane).toBe(happened ? 'old' : null)
      expect(fs.existsSync(places.at('tasks/active/one.md'))).toBe(happened)
      expect(fs.existsSync(places.at('tasks/queue/one.md'))).toBe(!happened)
      expect(fs.existsSync(places.at('state/mailbox/incoming/c-1.json'))).toBe(!happened)
      expect(fs.existsSync(places.at(HISTORY)) ? read(places.runtime, HISTORY) : '').toBe(happened ? OLD_LINE : '')
      // The first call writes its record.
      happened = true
      await next.commit(newTransaction(next.view(), false))
      const was = everything(places)
      const { status, said } = await wake()
      expect(said).toBe('Another runtime has taken over the workspace.\n')
      expect(status).toBe(4)
      const { operation, file, added, gone, changed } = afterwards(before, was, everything(places))
      const isLate = operation === 'write' && (file === 'state/journal.1.json' || file.endsWith('.1.tmp-millrace'))
      expect({ added, gone }).toEqual({ added: isLate ? [file] : [], gone: [] })
      expect(changed).toEqual(operation === 'append' ? [file] : [])
      if (operation === 'append') expect(read(places.runtime, file)).toBe(`${was[file]}${OLD_LINE}`)
      // Its record came too late, for readers and for every later runtime.
      const seen = readWorkspace(
        { files: disk, clock: later, processes: lives.next() },
        places.root,
        (view) => view.snapshot,
      )
      expect(seen.value.last_claimed_plane).toBe('new')
      await next.close()
      const third = await open(places)
      expect(third.view().snapshot).toMatchObject({ last_claimed_plane: 'new' })
      expect(read(places.runtime, 'notes.md')).toBe('by the new holder\n')
      expect(fs.existsSync(places.at('state/journal.1.json'))).toBe(false)
      await third.close()
    })
    expect(stops.map((stop) => stop.split(' ')[0])).toEqual(
      expect.arrayContaining(['write', 'rename', 'link', 'unlink', 'append']),
    )
    expect(stops[0]).toBe('write state/journal.1.json')
    expect(stops.at(-1)).toBe('unlink state/journal.1.json')
  })

  test('cannot take away or write over the record its successor left half applied', async () => {
    await everywhere(async ({ places, wake }) => {
      const processes = lives.next()
      const faulty = faultyFiles()
      const ports = { files: faulty.files, clock: later, processes }
      const onFatal = (error: Error): never => {
        throw error
      }
      const next = await Workspace.open(ports, places.root, { onFatal, force: true })
      const changes = newTransaction(next.view(), false)
      // The record is durable after two operations; it dies after two more.
      faulty.faults = { crashAfter: faulty.steps.length + 4 }
      await expect(next.commit(changes)).rejects.toThrow()
      await wake()
      const third = await open(places)
      expect(third.recovered).toBe('applied')
      expect(third.view().snapshot.last_claimed_plane).toBe('new')
      expect(read(places.runtime, 'notes.md')).toBe('by the new holder\n')
      expect(read(places.runtime, HISTORY).match(/"by":"new"/g)).toHaveLength(1)
      expect(fs.existsSync(places.at('tasks/active/one.md'))).toBe(false)
      await third.close()
    })
  })

  // The truth of take-lock.ts: one call still arrives, and these two are the ones that can matter.
  test('links or unlinks a document once more, if its successor has put it back under the very name', async () => {
    const late: Record<string, string[]> = {}
    await everywhere(async ({ places, before, wake }) => {
      const next = await open(places, disk, true)
      const changes = newTransaction(next.view(), true)
      if (changes[0]?.change !== 'item.move') return
      await next.commit(changes)
      const was = everything(places)
      await wake()
      const { operation, file, added, gone } = afterwards(before, was, everything(places))
      const others = added.filter((name) => !name.endsWith('.1.tmp-millrace'))
      if (others.length + gone.length > 0) late[`${operation} ${file}`] = [...others, ...gone]
      await next.close()
    })
    expect(late).toEqual({
      'link tasks/queue/one.md': ['tasks/active/one.md'],
      'unlink tasks/queue/one.md': ['tasks/queue/one.md'],
    })
  })
})
