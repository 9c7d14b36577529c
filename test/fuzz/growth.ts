/**
 * Whether the time a parser takes grows with its input, and not with the square of it: the same few characters, up to a
 * megabyte of them, alone or in the middle of a valid file.
 */
import { breach } from './law.ts'
import type { Parser } from './parsers.ts'

const SIZES = [64 * 1024, 256 * 1024, 1024 * 1024]
/** Whatever takes no longer for the largest size needs no closer look. */
const QUICK_MS = 200
/** Time for each byte may grow by so much: caches and the collector take their part. A square would make it 16. */
const GROWTH_MAX = 4
/** Nothing we bound to a megabyte may take longer. */
const SLOW_MS = 8000
const MEASUREMENTS = 5
/** Growth that is seen only once was somebody else's. */
const LOOKS = 3

/** Where in the bytes of a file the repeated text goes. */
export const PLACES = ['alone', 'in the middle', 'at the end'] as const

export function grown(parser: Parser, unit: string, place: (typeof PLACES)[number], bytes: number): Uint8Array {
  const repeated = Buffer.from(unit.repeat(Math.floor(bytes / Buffer.byteLength(unit))))
  if (place === 'alone') return repeated
  const example = parser.examples[0]!
  const at = place === 'in the middle' ? Math.floor(example.length / 2) : example.length
  // The whole stays below the bound on documents, so that it is not refused unread.
  const room = Math.max(0, bytes - example.length)
  return Buffer.concat([example.subarray(0, at), repeated.subarray(0, room), example.subarray(at)])
}

/** What is wrong with how a parser's time grows; null if nothing is. */
export async function growthOf(parser: Parser, unit: string, place: (typeof PLACES)[number]): Promise<string | null> {
  for (const size of SIZES) {
    const ms = await timed(parser, grown(parser, unit, place, size))
    if (typeof ms === 'string') return ms
    if (ms > SLOW_MS) return `${Math.round(ms)} ms for ${size} bytes`
    if (size === SIZES.at(-1) && ms <= QUICK_MS) return null
  }
  let growth = 0
  for (let look = 0; look < LOOKS; look++) {
    const [small, large] = [await quickest(SIZES[0]!), await quickest(SIZES.at(-1)!)]
    growth = large / small
    if (growth <= GROWTH_MAX) return null
  }
  return `time for each byte grew ${growth.toFixed(1)} times up to a megabyte`

  /** Milliseconds for each byte, by the best of some measurements. */
  async function quickest(size: number): Promise<number> {
    const input = grown(parser, unit, place, size)
    const times: number[] = []
    for (let count = 0; count < MEASUREMENTS; count++) times.push(Number(await timed(parser, input)))
    return Math.min(...times) / size
  }
}

/** Time of this process on the processor: how busy the machine is makes no difference. What is wrong, if anything is. */
async function timed(parser: Parser, input: Uint8Array): Promise<number | string> {
  const before = process.cpuUsage()
  const wrong = await breach(parser, input)
  const { user, system } = process.cpuUsage(before)
  return wrong ?? (user + system) / 1000
}
