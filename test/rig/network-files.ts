/**
 * A disk as a client of a network file system sees it. Every call takes a while. Listings and attributes may be old:
 * those of a folder are asked for anew once their time is up, or once this client has changed the folder itself (the
 * answer to a change says whether others were there meanwhile). Opening a file always asks the server. A server may
 * make a link or remove a name, lose the answer, and be asked again; and a file that is removed while somebody has it
 * open goes on as `.nfs…` for a while.
 */
import * as path from 'node:path'
import type { FileStat, Files } from '../../src/core/files.ts'
import { disk } from '../../src/store/files.ts'

export interface Network {
  /** Every call takes between these, in milliseconds. */
  latencyMs: readonly [number, number]
  /** How long listings and attributes are believed. */
  staleMs: number
  /** Of links and removals, how many are made although an error is reported: from 0 to 1. */
  repliesLost: number
  /** Numbers from 0 up to 1. */
  random: () => number
}

const SILLY_SHARE = 0.1

export function networkFiles(network: Network, base: Files = disk): Files {
  const { latencyMs, staleMs, repliesLost, random } = network
  const listings = new Map<string, { names: string[] | null; at: number }>()
  const attributes = new Map<string, { stat: FileStat | null; at: number }>()
  const nap = new Int32Array(new SharedArrayBuffer(4))
  const milliseconds = () => latencyMs[0] + random() * (latencyMs[1] - latencyMs[0])
  const travel = () => void Atomics.wait(nap, 0, 0, milliseconds())

  const believed = <Known extends { at: number }>(known: Map<string, Known>, key: string, ask: () => Known): Known => {
    const found = known.get(key)
    if (found !== undefined && performance.now() - found.at < staleMs) return found
    travel()
    const fresh = ask()
    known.set(key, fresh)
    return fresh
  }
  const forget = (file: string) => {
    attributes.delete(file)
    listings.delete(path.dirname(file))
  }
  const change = (file: string, make: () => void, errorIfLost?: string): void => {
    travel()
    forget(file)
    make()
    if (errorIfLost === undefined || random() >= repliesLost) return
    throw Object.assign(new Error(`${errorIfLost}: asked twice`), { code: errorIfLost })
  }
  const remove = (file: string) => {
    if (random() < SILLY_SHARE)
      base.rename(file, path.join(path.dirname(file), `.nfs${Math.floor(random() * 2 ** 32)}`))
    else base.unlink(file)
  }
  const reading = <T>(read: () => T): T => {
    travel()
    return read()
  }
  return {
    ...base,
    read: (file) => reading(() => base.read(file)),
    readRange: (file, offset, length) => reading(() => base.readRange(file, offset, length)),
    list: (folder) => believed(listings, folder, () => ({ names: base.list(folder), at: performance.now() })).names,
    stat: (file) => believed(attributes, file, () => ({ stat: base.stat(file), at: performance.now() })).stat,
    makeFolder: (folder) => reading(() => base.makeFolder(folder)),
    write: (file, bytes, options) => change(file, () => base.write(file, bytes, options)),
    append: (file, bytes) => change(file, () => base.append(file, bytes)),
    truncate: (file, bytes) => change(file, () => base.truncate(file, bytes)),
    rename(from, to) {
      forget(from)
      change(to, () => base.rename(from, to))
    },
    link(from, to) {
      forget(from)
      change(to, () => base.link(from, to), 'EEXIST')
    },
    unlink: (file) => change(file, () => remove(file), 'ENOENT'),
    async flush(paths) {
      await new Promise((resolve) => setTimeout(resolve, milliseconds()))
      await base.flush(paths)
    },
  }
}
