/** Waiting that a change of a folder cuts short, and that ends once whoever looks on has seen enough. */
import type { Context } from './context.ts'

export interface Alarm {
  /** Set once nobody wants to know more. */
  readonly ended: 'interrupted' | 'closed' | null
  /** Wakes on changes directly in a folder, as far as the system tells of them; a folder that is not there is not watched. */
  watch(folder: string): void
  /** Waits a moment, and then until something changed or it is time to look anyway; at most `msMax`. */
  sleep(msMax?: number): Promise<void>
}

/** However much is going on, it is looked at this often at most. */
const PAUSE_MS = 50
/** However little is heard, it is looked at this often at least. */
const POLL_MS = 500

/** Looks on with an alarm, which is let go in the end. */
export async function lookingOn<T>(context: Context, work: (alarm: Alarm) => Promise<T>): Promise<T> {
  const { alarm, release } = alarmOf(context)
  try {
    return await work(alarm)
  } finally {
    release()
  }
}

function alarmOf({ clock, files, onSignal, onClosed }: Context): { alarm: Alarm; release: () => void } {
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

  const alarm: Alarm = {
    get ended() {
      return ended
    },
    watch(folder) {
      if (watched.has(folder) || files.stat(folder) === null) return
      watched.add(folder)
      releases.push(files.watch(folder, wake))
    },
    async sleep(msMax = POLL_MS) {
      const pauseMs = Math.min(PAUSE_MS, msMax)
      await wait(pauseMs, () => ended !== null)
      await wait(Math.min(POLL_MS, msMax) - pauseMs, () => woken)
      woken = false
    },
  }
  return {
    alarm,
    release() {
      for (const release of releases) release()
    },
  }
}
