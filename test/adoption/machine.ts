/** A machine with a workspace of the Python runtime on its disk, and what is done there. */
import * as path from 'node:path'
import type { Files } from '../../src/core/files.ts'
import type { LoopEnd } from '../../src/engine/daemon.ts'
import { type Asked, instantRunner, type Script } from '../../src/selftest/instant-runner.ts'
import { enginePorts, live, type Machine, machine, ROOT } from '../../src/selftest/scene.ts'
import type { FolderNode } from '../../src/selftest/simulated-disk.ts'
import { type AdoptionPorts, adoptionOf, applyAdoption } from '../../src/store/adopt/adopt.ts'
import { readText } from '../../src/store/files.ts'
import { placesOf } from '../../src/store/layout.ts'
import { INSTALLATION } from '../crash/table.ts'
import { type Fixture, type FixtureOptions, fixtureFiles, type Version } from './fixtures/make.mjs'

export const PLACES = placesOf(ROOT)

export const at = (relative: string): string => path.join(ROOT, relative)

/** The workspace as it was left, everything on the disk flushed; and what it was made of. */
export function oldWorkspace(version: Version, options?: FixtureOptions): { tree: FolderNode; fixture: Fixture } {
  const { disk } = machine(INSTALLATION, 0, 1)
  const fixture = fixtureFiles(version, options)
  for (const folder of fixture.folders) disk.makeFolder(at(folder))
  for (const [file, { text }] of fixture.files) {
    disk.makeFolder(path.dirname(at(file)))
    disk.write(at(file), text)
  }
  disk.flushAll()
  return { tree: disk.top, fixture }
}

/** The next process of that machine. */
export const lifeOf = (tree: FolderNode, life = 1): Machine => machine(INSTALLATION, life, 1, tree)

export const portsOf = ({ clock, processes }: Machine, files: Files): AdoptionPorts => ({
  files,
  clock,
  processes,
  installed: { root: INSTALLATION.packageRoot, version: INSTALLATION.version },
  onFatal: (error) => {
    throw error
  },
})

export const previewOn = (on: Machine) => adoptionOf(portsOf(on, on.files), PLACES)
export const adoptOn = (on: Machine, files: Files = on.files) => applyAdoption(portsOf(on, files), PLACES)

/** A runtime works there until nothing is left to do. */
export function workOn(on: Machine, script: Script, asked: Asked): Promise<LoopEnd> {
  return live(enginePorts(INSTALLATION, on, on.files, instantRunner(on.files, on.clock, script, asked)))
}

export const json = (on: Machine, relative: string) => JSON.parse(readText(on.files, at(relative)) ?? 'null')

/** Text of every file below a folder of the workspace, by path relative to it. */
export function textsIn(files: Files, folder: string): Map<string, string> {
  const texts = new Map<string, string>()
  const walk = (relative: string) => {
    for (const name of (files.list(at(relative)) ?? []).sort()) {
      const child = `${relative}/${name}`
      if (files.stat(at(child))?.kind === 'directory') walk(child)
      else texts.set(child, Buffer.from(files.read(at(child)) ?? '').toString('utf8'))
    }
  }
  walk(folder)
  return texts
}

export const INCOMING = 'millrace-agents/state/mailbox/incoming'
export const PROCESSED = 'millrace-agents/state/mailbox/processed'

/** Somebody claims the two commands that wait there, carries out the first and archives it, and dies. */
export function claimCommands({ files, disk }: Machine): { done: string; open: string; texts: Map<string, string> } {
  const [done, open] = files.list(at(INCOMING))!.filter((name) => name.endsWith('.json')) as [string, string]
  const texts = new Map([done, open].map((name) => [name, readText(files, at(`${INCOMING}/${name}`))!]))
  for (const [name, text] of texts) {
    disk.write(at(`${INCOMING}/${name}.claimed`), text)
    disk.write(at(`${INCOMING}/${name}.claimed.lock`), 'pid=4711\n')
    disk.unlink(at(`${INCOMING}/${name}`))
  }
  const archive = { schema_version: '1.0', kind: 'mailbox_archive', disposition: 'processed', result: {} }
  disk.write(at(`${PROCESSED}/${done}`), JSON.stringify(archive))
  disk.flushAll()
  return { done, open, texts }
}
