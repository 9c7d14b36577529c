import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seeded, VirtualClock } from './virtual-clock.ts'

const START_MS = Date.parse('2026-03-02T09:00:00Z')
const DAY_MS = 24 * 60 * 60 * 1000
const newClock = (seed = 1, stepped = false) => new VirtualClock(START_MS, seed, { stepped })

/** Resolves when a clock that jumps by itself has got that far. */
const waited = (clock: VirtualClock, ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve))

/** What a program that waits and draws ids writes down. */
async function told(clock: VirtualClock, waits: readonly number[]): Promise<string[]> {
  const lines: string[] = []
  await Promise.all(
    waits.map(async (ms, number) => {
      await waited(clock, ms)
      lines.push(`${number} ${clock.now().toISOString()} ${clock.monotonicMs()} ${clock.hex(8)}`)
    }),
  )
  return lines
}

const anySeed = fc.nat({ max: 2 ** 31 })
const anyWaits = fc.array(fc.nat({ max: 5000 }), { minLength: 1, maxLength: 12 })

describe('a virtual clock', () => {
  test('gives the same ids and times for the same seed, in the same order', async () => {
    await fc.assert(
      fc.asyncProperty(anySeed, anyWaits, async (seed, waits) => {
        expect(await told(newClock(seed), waits)).toEqual(await told(newClock(seed), waits))
      }),
      { numRuns: 50 },
    )
  })

  test('gives other ids for another seed, in hexadecimal digits as many as asked for', () => {
    const ids = Array.from({ length: 100 }, (_, seed) => newClock(seed).hex(16))
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{16}$/)
    expect(new Set(ids).size).toBe(ids.length)
    expect(newClock().hex(0)).toBe('')
  })

  test('draws every digit about as often as any other', () => {
    const counts = new Map<string, number>()
    for (const digit of newClock(7).hex(16_000)) counts.set(digit, (counts.get(digit) ?? 0) + 1)
    expect(counts.size).toBe(16)
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150)
  })

  test('stands still while anything happens', async () => {
    const clock = newClock()
    let hasRun = false
    clock.after(1, () => {
      hasRun = true
    })
    for (let step = 0; step < 1000; step++) await Promise.resolve()
    expect([hasRun, clock.monotonicMs(), clock.now().getTime()]).toEqual([false, 0, START_MS])
  })

  test('jumps to what is due next when nothing happens, so that a day takes no time', async () => {
    const clock = newClock()
    const began = performance.now()
    for (let hour = 0; hour < 24; hour++) await waited(clock, DAY_MS / 24)
    expect([clock.monotonicMs(), clock.now().getTime()]).toEqual([DAY_MS, START_MS + DAY_MS])
    expect(performance.now() - began).toBeLessThan(1000)
  })

  test('calls in the order of the times, and in that of asking where two are the same', async () => {
    await fc.assert(
      fc.asyncProperty(anyWaits, async (waits) => {
        const order = (await told(newClock(), waits)).map((line) => Number(line.split(' ')[0]))
        const wanted = waits.map((ms, number) => ({ ms, number })).sort((a, b) => a.ms - b.ms || a.number - b.number)
        expect(order).toEqual(wanted.map(({ number }) => number))
      }),
      { numRuns: 50 },
    )
  })

  test('does not call what was called off, also by a callback of the same moment', async () => {
    const clock = newClock()
    const called: string[] = []
    const forget = clock.after(5, () => called.push('forgotten'))
    let late: () => void = () => {}
    clock.after(10, () => late())
    late = clock.after(10, () => called.push('late'))
    forget()
    await waited(clock, 20)
    expect(called).toEqual([])
  })

  test('takes a time in the past for now', async () => {
    const clock = newClock()
    await waited(clock, -5)
    expect(clock.monotonicMs()).toBe(0)
  })

  test('can be set like a wall clock, which durations do not notice', async () => {
    const clock = newClock()
    const later = waited(clock, 1000)
    clock.setBy(-DAY_MS)
    await later
    expect([clock.monotonicMs(), clock.now().getTime()]).toEqual([1000, START_MS - DAY_MS + 1000])
  })

  test('that is late calls at once, and its time never goes back', async () => {
    const clock = newClock()
    const due = waited(clock, 10)
    clock.advance(50)
    await due
    expect(clock.monotonicMs()).toBe(50)
  })
})

describe('a stepped virtual clock', () => {
  test('never moves by itself', async () => {
    const clock = newClock(1, true)
    let hasRun = false
    clock.after(0, () => {
      hasRun = true
    })
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect([hasRun, clock.monotonicMs()]).toEqual([false, 0])
  })

  test('lets what is due on the way happen at its time, with all that this leads to, and nothing later', async () => {
    const clock = newClock(1, true)
    const at: number[] = []
    const everyTen = async () => {
      for (;;) {
        await waited(clock, 10)
        await Promise.resolve()
        at.push(clock.monotonicMs())
      }
    }
    void everyTen()
    await clock.pass(35)
    expect([at, clock.monotonicMs()]).toEqual([[10, 20, 30], 35])
    await clock.pass(5)
    expect([at.at(-1), clock.now().getTime()]).toEqual([40, START_MS + 40])
  })
})

test('seeded dice fall from 0 up to 1, the same for the same seed', () => {
  const draw = (seed: number) => {
    const random = seeded(seed)
    return Array.from({ length: 1000 }, random)
  }
  fc.assert(
    fc.property(anySeed, (seed) => {
      const drawn = draw(seed)
      expect(drawn).toEqual(draw(seed))
      expect(drawn.every((number) => number >= 0 && number < 1)).toBe(true)
      const mean = drawn.reduce((sum, number) => sum + number, 0) / drawn.length
      expect(Math.abs(mean - 0.5)).toBeLessThan(0.06)
    }),
    { numRuns: 50 },
  )
})
