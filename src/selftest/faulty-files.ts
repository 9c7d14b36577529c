/**
 * A disk that fails on purpose. It counts every operation that changes something (a flush round is one operation,
 * whatever its size), dies after any of them, or lets any of them fail. `test/rig/crash.ts` runs whole stories on it.
 */
import type { Files } from '../core/files.ts'
import { disk } from '../store/files.ts'

export type Mutation =
  | 'write'
  | 'append'
  | 'truncate'
  | 'rename'
  | 'link'
  | 'unlink'
  | 'makeFolder'
  | 'removeFolder'
  | 'flush'

/** One operation that changes something; a folder that is there already is not made. */
export interface Step {
  /** From 1, in the order the operations were begun. */
  number: number
  operation: Mutation
  /** What it is about: the destination of a link or rename, the first path of a flush. */
  path: string
}

/** Thrown by every operation of a process that has died. */
export class CrashError extends Error {
  constructor() {
    super('the process is dead')
    this.name = 'CrashError'
  }
}

export interface Faults {
  /**
   * The process dies right after this many operations: from then on every call throws, reading too, so nothing of it
   * can tidy up. 0 = before it changes anything.
   */
  crashAfter?: number
  /** With `crashAfter`: reading goes on up to the next operation; if that writes or appends, half of it still arrives. */
  torn?: boolean
  /** The code of the error an operation fails with, such as `ENOSPC`; nothing of it is done. */
  fail?: (step: Step) => string | null | undefined
  /** Told of every operation that was carried out. */
  done?: (step: Step) => void
}

export interface FaultyDisk {
  /** The port to hand to what is tested. */
  readonly files: Files
  readonly steps: readonly Step[]
  readonly flushRounds: number
  readonly crashed: boolean
  /** The process dies now. */
  kill: () => void
  /** Resolves when the process has died. */
  readonly death: Promise<void>
  /** May be changed at any time. */
  faults: Faults
}

/** `base` with faults. Everything it does not break it does for real. */
export function faultyFiles(faults: Faults = {}, base: Files = disk): FaultyDisk {
  const steps: Step[] = []
  let flushRounds = 0
  let dead = false
  let announce: () => void = () => {}
  const death = new Promise<void>((resolve) => {
    announce = resolve
  })
  const die = () => {
    dead = true
    announce()
  }
  const living = () => {
    if (dead) throw new CrashError()
  }
  /** Begins an operation. True if only half of it may still arrive. */
  const begin = (operation: Mutation, path: string): boolean => {
    living()
    const { crashAfter, torn, fail } = state.faults
    if (crashAfter !== undefined && steps.length >= crashAfter) {
      if (torn && (operation === 'write' || operation === 'append')) return true
      die()
      throw new CrashError()
    }
    const step = { number: steps.length + 1, operation, path }
    steps.push(step)
    if (operation === 'flush') flushRounds += 1
    const code = fail?.(step)
    if (code) throw Object.assign(new Error(`${code}: ${operation} '${path}'`), { code, path })
    return false
  }
  const end = () => {
    const { crashAfter, torn, done } = state.faults
    done?.(steps.at(-1)!)
    if (crashAfter !== undefined && !torn && steps.length >= crashAfter) die()
  }
  const changing = (operation: Mutation, path: string, work: () => void): void => {
    begin(operation, path)
    work()
    end()
  }
  const adding = (
    operation: 'write' | 'append',
    path: string,
    bytes: Uint8Array | string,
    work: (bytes: Uint8Array | string) => void,
  ) => {
    if (begin(operation, path)) {
      const whole = Buffer.from(bytes)
      work(whole.subarray(0, whole.length >> 1))
      die()
      throw new CrashError()
    }
    work(bytes)
    end()
  }
  const reading = <T>(read: () => T): T => {
    living()
    return read()
  }
  const files: Files = {
    read: (file) => reading(() => base.read(file)),
    readRange: (file, offset, length) => reading(() => base.readRange(file, offset, length)),
    stat: (file) => reading(() => base.stat(file)),
    list: (folder) => reading(() => base.list(folder)),
    realpath: (file) => reading(() => base.realpath(file)),
    freeBytes: (file) => reading(() => base.freeBytes(file)),
    open: (file, mode) => reading(() => base.open(file, mode)),
    close: (descriptor) => base.close(descriptor),
    watch: (folder, onChange) => reading(() => base.watch(folder, (file) => !dead && onChange(file))),
    makeFolder(folder) {
      living()
      if (base.stat(folder) !== null) return base.makeFolder(folder)
      begin('makeFolder', folder)
      const made = base.makeFolder(folder)
      end()
      return made
    },
    write: (file, bytes, options) => adding('write', file, bytes, (some) => base.write(file, some, options)),
    append: (file, bytes) => adding('append', file, bytes, (some) => base.append(file, some)),
    truncate: (file, bytes) => changing('truncate', file, () => base.truncate(file, bytes)),
    rename: (from, to) => changing('rename', to, () => base.rename(from, to)),
    link: (from, to) => changing('link', to, () => base.link(from, to)),
    unlink: (file) => changing('unlink', file, () => base.unlink(file)),
    removeFolder: (folder) => changing('removeFolder', folder, () => base.removeFolder(folder)),
    async flush(paths) {
      begin('flush', paths[0] ?? '')
      await base.flush(paths)
      living()
      end()
    },
  }
  const state: FaultyDisk = {
    files,
    steps,
    get flushRounds() {
      return flushRounds
    },
    get crashed() {
      return dead
    },
    kill: die,
    death,
    faults,
  }
  if (faults.crashAfter === 0 && !faults.torn) die()
  return state
}

/** The nth operation, from 1, fails with `code`; `times` of them from there on (default 1). */
export function failAt(number: number, code: string, times = 1): Faults {
  return { fail: (step) => (step.number >= number && step.number < number + times ? code : null) }
}

/** The plain disk without waiting for the device: for stories whose power losses are told by `test/rig/power-loss.ts`. */
export const quickDisk: Files = { ...disk, flush: async () => {} }
