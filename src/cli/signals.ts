/** Ctrl-C and polite ends: whoever listens is told; what does not listen is ended by the command line itself. */

type Signal = 'SIGINT' | 'SIGTERM'

export interface Signals {
  /** Gives back how to stop listening. */
  onSignal: (listener: (signal: Signal) => void) => () => void
  /** True once Ctrl-C was pressed while it was looked for. */
  interrupted: () => boolean
  /** From now on Ctrl-C calls back where nobody listens, instead of ending the process without a word. */
  endOnInterrupt: (end: () => void) => void
  /** The same for what opens and closes things in order: one signal is kept for whoever listens next. */
  endOnSecondSignal: (end: () => void) => void
}

export function signalsOf(process: Pick<NodeJS.Process, 'on'>): Signals {
  const listeners = new Set<(signal: Signal) => void>()
  const heard = new Set<Signal>()
  let interrupted = false
  let end = (): void => {}
  let keeps = false
  let kept: Signal | null = null

  const tell = (signal: Signal) => {
    interrupted ||= signal === 'SIGINT'
    for (const listener of listeners) listener(signal)
    if (listeners.size > 0) return
    if (keeps && kept === null) kept = signal
    else end()
  }
  // Never taken off again: a signal that has arrived but was not told yet would be lost with its handler.
  const hear = (...signals: Signal[]) => {
    for (const signal of signals) {
      if (heard.has(signal)) continue
      heard.add(signal)
      process.on(signal, () => tell(signal))
    }
  }
  return {
    interrupted: () => interrupted,
    endOnInterrupt(given) {
      end = given
      hear('SIGINT')
    },
    endOnSecondSignal(given) {
      end = given
      keeps = true
      hear('SIGINT', 'SIGTERM')
    },
    onSignal(listener) {
      listeners.add(listener)
      hear('SIGINT', 'SIGTERM')
      const missed = kept
      if (missed !== null) queueMicrotask(() => listener(missed))
      return () => void listeners.delete(listener)
    },
  }
}
