import { type ChildProcess, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { until } from '../../test/rig/live.ts'
import { temporaryFolder } from '../../test/rig/store.ts'
import { processIdentity } from '../runners/process.ts'
import { disk, type Files } from '../store/files.ts'
import { placesOf } from '../store/layout.ts'
import type { Processes } from '../store/lock.ts'
import { systemClock } from './clock.ts'
import { removeAbandoned, removeScratch, withCommandScratch, withScratch } from './scratch.ts'

const started: ChildProcess[] = []
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
})

function workspace() {
  const places = placesOf(temporaryFolder())
  fs.mkdirSync(places.at('state'), { recursive: true })
  return { places, left: () => fs.readdirSync(places.at('state')).sort() }
}
const ports = (processes: Processes = processIdentity, files: Files = disk) => ({
  files,
  clock: systemClock,
  processes,
})

/** What a command leaves that is killed while it is at work with its folder, by the process it was. */
async function killed(places: ReturnType<typeof placesOf>, processes: Processes): Promise<string> {
  return new Promise((resolve) => {
    void withCommandScratch(ports(processes), places, (folder) => {
      fs.mkdirSync(path.join(folder, 'objects/ab'), { recursive: true })
      fs.writeFileSync(path.join(folder, 'objects/ab/cd'), 'bytes')
      resolve(folder)
      return new Promise(() => {}) // it never comes to its end
    })
  })
}

/** Another process, and what says of itself that it is that one. */
function other(): { child: ChildProcess; processes: Processes } {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  started.push(child)
  const identity = processIdentity.identify(child.pid!)!
  return { child, processes: { ...processIdentity, self: () => identity } }
}

test('a scratch folder is there for as long as it is used, and begins empty', async () => {
  const folder = path.join(temporaryFolder(), 'scratch')
  fs.mkdirSync(path.join(folder, 'left/over'), { recursive: true })
  const seen = await withScratch(disk, folder, async (at) => {
    const names = fs.readdirSync(at)
    fs.writeFileSync(path.join(at, 'index'), 'bytes')
    return names
  })
  expect([seen, fs.existsSync(folder)]).toEqual([[], false])
})

test('a scratch folder goes too when what it was for fails', async () => {
  const folder = path.join(temporaryFolder(), 'scratch')
  const failing = withScratch(disk, folder, async () => {
    throw new Error('git ls-files failed')
  })
  await expect(failing).rejects.toThrow('git ls-files failed')
  expect(fs.existsSync(folder)).toBe(false)
})

test('a link in a scratch folder is removed, and what it leads to is not', () => {
  const root = temporaryFolder()
  for (const name of ['scratch', 'theirs']) fs.mkdirSync(path.join(root, name))
  fs.writeFileSync(path.join(root, 'theirs/file'), 'text')
  fs.symlinkSync('../theirs', path.join(root, 'scratch/link'))
  removeScratch(disk, path.join(root, 'scratch'))
  expect([fs.readdirSync(root), fs.readdirSync(path.join(root, 'theirs'))]).toEqual([['theirs'], ['file']])
})

test('what a command leaves that was killed goes once its process is proven dead, and not before', async () => {
  const { places, left } = workspace()
  const { child, processes } = other()
  const folder = await killed(places, processes)
  const all = left()
  removeAbandoned(ports(), places)
  expect(left()).toEqual(all)
  expect(fs.existsSync(path.join(folder, 'objects/ab/cd'))).toBe(true)
  child.kill('SIGKILL')
  await until('the command to be dead', () => child.signalCode !== null)
  removeAbandoned(ports(), places)
  expect(left()).toEqual([])
})

test('the folder of a command that was stopped, or is on another machine, stays', async () => {
  const { places, left } = workspace()
  const { child, processes } = other()
  const folder = await killed(places, processes)
  child.kill('SIGSTOP')
  removeAbandoned(ports(), places)
  expect(left()).toHaveLength(1)
  child.kill('SIGKILL')
  await until('the command to be dead', () => child.signalCode !== null)
  const owner = path.join(folder, 'owner.json')
  fs.writeFileSync(owner, JSON.stringify({ ...JSON.parse(fs.readFileSync(owner, 'utf8')), host: 'another-machine' }))
  removeAbandoned(ports(), places)
  expect(left()).toHaveLength(1)
})

test('what a machine left that was restarted since goes', async () => {
  const { places, left } = workspace()
  await killed(places, { ...processIdentity, self: () => ({ ...processIdentity.self(), bootId: 'an earlier boot' }) })
  removeAbandoned(ports(), places)
  expect(left()).toEqual([])
})

test('what does not say whose it is stays, and so does all that only looks like it', async () => {
  const { places, left } = workspace()
  const texts = { 'rescue-0123456789abcdef': 'null', 'rescue-0123456789abcdee': '{"pid": 1', 'rescue-notes': '{}' }
  for (const [name, text] of Object.entries(texts)) {
    fs.mkdirSync(places.at(`state/${name}`))
    fs.writeFileSync(places.at(`state/${name}/owner.json`), text)
  }
  fs.mkdirSync(places.at('state/rescue-0123456789abcded'))
  fs.writeFileSync(places.at('state/rescue-0123456789abcdec'), 'a file')
  const all = left()
  removeAbandoned(ports(), places)
  expect(left()).toEqual(all)
})

test('whose a folder is goes last, so that one that was removed by half goes the next time', async () => {
  const { places, left } = workspace()
  await killed(places, { ...processIdentity, self: () => ({ ...processIdentity.self(), bootId: 'an earlier boot' }) })
  const refusing = (removals: number): Files => {
    let made = 0
    const counted = (remove: (file: string) => void) => (file: string) => {
      made += 1
      if (made > removals) throw Object.assign(new Error('EIO'), { code: 'EIO' })
      remove(file)
    }
    const list = (folder: string) => disk.list(folder)?.sort().reverse() ?? null
    return { ...disk, list, unlink: counted(disk.unlink), removeFolder: counted(disk.removeFolder) }
  }
  // A file and two folders, then the record, then the folder itself.
  for (const removals of [0, 1, 1, 1]) {
    removeAbandoned(ports(processIdentity, refusing(removals)), places)
    expect(left()).toHaveLength(1)
  }
  removeAbandoned(ports(), places)
  expect(left()).toEqual([])
})
