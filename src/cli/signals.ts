/** Ctrl-C and polite ends: whoever listens is told; what does not listen can be ended in its own way. */

export type Signal = 'SIGINT' | 'SIGTERM'

export interface Signals {
  /** Gives back how to stop listening. */
  onSignal: (listener: (signal: Signal) => void) => () => void
  /** True once Ctrl-C was pressed while anybody listened. */
  interrupted: () => boolean
  /** From now on Ctrl-C calls back where nobody listens, instead of ending the process without a word. */
  whenUnheard: (callback: () => void) => void
}

export function signalsOf(process: NodeJS.Process): Signals {
  const listeners = new Set<(signal: Signal) => void>()
  let interrupted = false
  let unheard: (() => void) | null = null
  const tell = (signal: Signal) => {
    interrupted ||= signal === 'SIGINT'
    if (listeners.size === 0) unheard?.()
    for (const listener of listeners) listener(signal)
  }
  const onInterrupt = () => tell('SIGINT')
  const onTerminate = () => tell('SIGTERM')
  const hear = () => {
    process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate)
    if (listeners.size > 0 || unheard !== null) process.on('SIGINT', onInterrupt)
    if (listeners.size > 0) process.on('SIGTERM', onTerminate)
  }
  return {
    interrupted: () => interrupted,
    whenUnheard(callback) {
      unheard = callback
      hear()
    },
    onSignal(listener) {
      listeners.add(listener)
      hear()
      return () => {
        listeners.delete(listener)
        hear()
      }
    },
  }
}
