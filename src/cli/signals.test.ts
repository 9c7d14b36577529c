import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { signalsOf } from './signals.ts'

function rig() {
  const process = new EventEmitter()
  const told: string[] = []
  const signals = signalsOf(process as unknown as NodeJS.Process)
  return { signals, told, send: (signal: string) => process.emit(signal), end: () => void told.push('end') }
}

describe('signals', () => {
  it('are left to the system until somebody wants them', () => {
    const { send } = rig()
    expect(send('SIGINT')).toBe(false)
  })

  it('are told to whoever listens, until it stops listening', () => {
    const { signals, told, send } = rig()
    const release = signals.onSignal((signal) => void told.push(signal))
    send('SIGINT')
    send('SIGTERM')
    release()
    send('SIGINT')
    expect(told).toEqual(['SIGINT', 'SIGTERM'])
    expect(signals.interrupted()).toBe(true)
  })

  it('end what does not listen at the first Ctrl-C', () => {
    const { signals, told, send, end } = rig()
    signals.endOnInterrupt(end)
    expect(send('SIGTERM')).toBe(false)
    send('SIGINT')
    expect(told).toEqual(['end'])
  })

  it('are kept while something opens, for whoever listens next; a second one ends it', async () => {
    const { signals, told, send, end } = rig()
    signals.endOnSecondSignal(end)
    send('SIGTERM')
    expect(told).toEqual([])
    const release = signals.onSignal((signal) => void told.push(signal))
    await Promise.resolve()
    expect(told).toEqual(['SIGTERM'])
    expect(signals.interrupted()).toBe(false)
    release()
    send('SIGINT')
    expect(told).toEqual(['SIGTERM', 'end'])
  })
})
