/** Waiting that a change of a folder cuts short, and that ends once whoever looks on has seen enough. */
import type { Context } from './context.ts'

export interface Alarm {
  /** Set once nobody wants to know more. */
  readonly ended: 'interrupted' | 'closed' | null
  /** Wakes on changes directly in a folder, as far as the system tells of them; a folder that is not there is not watched. */
  watch(folder: string): void
  /** Waits `msMin`, and then until something changed, or `msMax` in all. */
  sleep(msMin: number, msMax: number): Promise<void>
  release(): void
}

export function alarmOf({ clock, files, onSignal, onClosed }: Context): Alarm {
  const releases: (() => void)[] = []
  const watched = new Set<string>()
  let ended: Alarm['ended'] = null
  let woken = false
  let ring = (): void => {}
  const wake = () => {
    woken = true
    ring()
  }
  const end = (how: 'interrupted' | 'closed') => {
    ended ??= how
    wake()
  }
  releases.push(onSignal(() => end('interrupted')))
  onClosed(() => end('closed'))

  const wait = (ms: number, until: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.after(ms, resolve)
      ring = () => {
        if (!until()) return
        cancel()
        resolve()
      }
      ring()
    })

  return {
    get ended() {
      return ended
    },
    watch(folder) {
      if (watched.has(folder) || files.stat(folder) === null) return
      watched.add(folder)
      releases.push(files.watch(folder, wake))
    },
    async sleep(msMin, msMax) {
      await wait(msMin, () => ended !== null)
      await wait(Math.max(0, msMax - msMin), () => woken)
      woken = false
    },
    release() {
      for (const release of releases) release()
    },
  }
}
