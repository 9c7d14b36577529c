/** What tests of the store share: folders that go away by themselves, a workspace without assets, what lies in a folder. */
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { onTestFinished } from 'vitest'
import { newCounters, newSnapshot } from '../../src/core/state.ts'
import { AT, type Places, placesOf, WORKSPACE_FOLDERS } from '../../src/store/layout.ts'

/** A temporary directory of its own, as the real path; gone when the test ends well. */
export function temporaryFolder(): string {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-store-')))
  onTestFinished(({ task }) => {
    if (task.result?.state !== 'fail') fs.rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

/** Text of every file below a folder, by its path there. Temporary siblings that a crash may leave are not told. */
export function contents(root: string): Record<string, string> {
  const names = fs.readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()
  const files = names.filter(
    (name) => !/(^|\/)\.[^/]*\.tmp-millrace$/.test(name) && fs.lstatSync(path.join(root, name)).isFile(),
  )
  return Object.fromEntries(files.map((name) => [name, fs.readFileSync(path.join(root, name), 'utf8')]))
}

export const write = (root: string, file: string, text: string): void => {
  fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true })
  fs.writeFileSync(path.join(root, file), text)
}

export const read = (root: string, file: string): string => fs.readFileSync(path.join(root, file), 'utf8')

export const exists = (root: string, file: string): boolean =>
  fs.lstatSync(path.join(root, file), { throwIfNoEntry: false }) !== undefined

/** Makes a file look as if it had last been changed then (milliseconds since the epoch). */
export const setTime = (file: string, ms: number): void => fs.lutimesSync(file, ms / 1000, ms / 1000)

/** A runtime root with its folders and first state files, as `init` leaves it, but nothing deployed. */
export function emptyWorkspace(root: string): Places {
  const places = placesOf(root)
  for (const folder of WORKSPACE_FOLDERS) fs.mkdirSync(places.at(folder), { recursive: true })
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`
  write(places.runtime, AT.snapshot, json(newSnapshot('2026-03-02T09:15:00.000Z')))
  write(places.runtime, AT.counters, json(newCounters()))
  return places
}
