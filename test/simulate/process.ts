/**
 * A process of the simulated machine, as the product sees itself: its files, clock and identity. It can be killed right
 * before any change it makes to the disk, with that change half done if it adds bytes; it can be suspended; the disk can
 * refuse it any call; and other hands can come in between any two of its changes.
 */
import type { Clock } from '../../src/core/clock.ts'
import type { Files } from '../../src/core/files.ts'
import type { VirtualClock } from '../../src/selftest/virtual-clock.ts'

/** Thrown by every change of a process that is dead. */
export class DeadError extends Error {}

export interface Identity {
  pid: number
  startTime: string
  bootId: string
  pidNamespace: string
}

/** A spell in which the disk refuses calls of a process with this code. */
export interface Fault {
  code: string
  /** Of the changes a process makes, which to refuse; all of them if empty. Reading fails only if it is named. */
  calls: readonly string[]
  /** How many calls are still to be refused. */
  left: number
}

interface Appointment {
  /** Number of the change before which it happens. */
  at: number
  act: (tear: () => void) => void
}

/** Calls without time passing, after which a process is held to go round in circles. */
const CALLS_AT_ONCE_MAX = 2_000_000
const never = new Promise<never>(() => {})

export class SimulatedProcess {
  readonly identity: Identity
  readonly files: Files
  readonly clock: Clock
  isDead = false
  /** Changes of the disk that it has made or tried. */
  changes = 0
  fault: Fault | null = null
  /** Called when it dies, or ends by itself. */
  onEnd: () => void = () => {}
  private readonly time: VirtualClock
  private appointments: Appointment[] = []
  private awake: Promise<void> = Promise.resolve()
  private wakeUp: (() => void) | null = null
  private calls = { number: 0, atMs: 0 }

  constructor(identity: Identity, disk: () => Files, time: VirtualClock) {
    this.identity = identity
    this.time = time
    this.files = this.filesOn(disk)
    this.clock = {
      now: () => time.now(),
      monotonicMs: () => time.monotonicMs(),
      hex: (digits) => time.hex(digits),
      after: (ms, callback) => time.after(ms, () => void this.alive().then(() => !this.isDead && callback())),
    }
  }

  /** `act` happens right before its `count`th change from now, or once it has ended. At once if `count` is 0. */
  before(count: number, act: Appointment['act']): void {
    if (count === 0 || this.isDead) act(() => {})
    else this.appointments.push({ at: this.changes + count, act })
  }

  /** Dead at once: nothing of it goes on, not even what it was waiting for. */
  end(): void {
    if (this.isDead) return
    this.isDead = true
    const left = this.appointments.splice(0)
    this.onEnd()
    for (const { act } of left) act(() => {})
  }

  /** It goes no further than its next flush, timer or message until it is woken. */
  suspend(): void {
    if (this.wakeUp !== null) return
    this.awake = new Promise((resolve) => {
      this.wakeUp = resolve
    })
  }

  wake(): void {
    this.wakeUp?.()
    this.wakeUp = null
  }

  get isSuspended(): boolean {
    return this.wakeUp !== null
  }

  /** Resolves as soon as it goes on; never if it is dead. */
  async alive(): Promise<void> {
    if (this.wakeUp !== null) await this.awake
    if (this.isDead) await never
  }

  private called(call: string, file: string): void {
    const atMs = this.time.monotonicMs()
    this.calls = { number: this.calls.atMs === atMs ? this.calls.number + 1 : 1, atMs }
    if (this.calls.number > CALLS_AT_ONCE_MAX) throw new Error(`it goes round in circles: ${call} ${file}`)
    const { fault } = this
    if (fault === null || fault.left === 0) return
    const isReading = !CHANGES.has(call) && call !== 'flush'
    if (fault.calls.length === 0 ? isReading : !fault.calls.includes(call)) return
    fault.left -= 1
    throw Object.assign(new Error(`${fault.code}: ${call} '${file}'`), { code: fault.code, path: file })
  }

  /** Of a dead process nothing is seen any more, and it sees nothing: what is still on its way comes to rest. */
  private filesOn(disk: () => Files): Files {
    const reading =
      <Given extends [string, ...unknown[]], Found>(call: string, read: (files: Files) => (...given: Given) => Found) =>
      (...given: Given): Found | null => {
        if (this.isDead) return null
        this.called(call, given[0])
        return read(disk())(...given)
      }
    const changing = <Found>(call: string, file: string, change: (files: Files) => Found, tear = () => {}): Found => {
      if (this.isDead) throw new DeadError()
      this.changes += 1
      const due = this.appointments.filter(({ at }) => at <= this.changes)
      this.appointments = this.appointments.filter(({ at }) => at > this.changes)
      for (const { act } of due) act(tear)
      if (this.isDead) throw new DeadError()
      this.called(call, file)
      return change(disk())
    }
    const half = (bytes: Uint8Array | string) => Buffer.from(bytes).subarray(0, Buffer.byteLength(bytes) >> 1)
    return {
      read: reading('read', (files) => (file: string) => files.read(file)),
      readRange: reading(
        'read',
        (files) => (file: string, at: number, length: number) => files.readRange(file, at, length),
      ),
      stat: reading('stat', (files) => (file: string) => files.stat(file)),
      list: reading('list', (files) => (folder: string) => files.list(folder)),
      realpath: reading('stat', (files) => (file: string) => files.realpath(file)),
      freeBytes: (file) => disk().freeBytes(file),
      watch: () => () => {},
      open: (file, mode) => disk().open(file, mode),
      close: (descriptor) => disk().close(descriptor),
      makeFolder: (folder) =>
        disk().stat(folder) !== null && !this.isDead
          ? disk().makeFolder(folder)
          : changing('makeFolder', folder, (files) => files.makeFolder(folder)),
      write: (file, bytes, options) =>
        changing(
          'write',
          file,
          (files) => files.write(file, bytes, options),
          () => disk().write(file, half(bytes), options),
        ),
      append: (file, bytes) =>
        changing(
          'append',
          file,
          (files) => files.append(file, bytes),
          () => disk().append(file, half(bytes)),
        ),
      truncate: (file, bytes) => changing('truncate', file, (files) => files.truncate(file, bytes)),
      rename: (from, to) => changing('rename', to, (files) => files.rename(from, to)),
      link: (from, to) => changing('link', to, (files) => files.link(from, to)),
      unlink: (file) => changing('unlink', file, (files) => files.unlink(file)),
      removeFolder: (folder) => changing('removeFolder', folder, (files) => files.removeFolder(folder)),
      flush: async (paths) => {
        await this.alive()
        this.called('flush', paths[0] ?? '')
        await disk().flush(paths)
        await this.alive()
      },
    }
  }
}

const CHANGES = new Set(['makeFolder', 'write', 'append', 'truncate', 'rename', 'link', 'unlink', 'removeFolder'])
