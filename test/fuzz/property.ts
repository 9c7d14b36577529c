/** The law of a parser as a property: what a test asserts once, and the long run for as long as it is told. */
import fc from 'fast-check'
import { anyBytes } from './generators.ts'
import { breach } from './law.ts'
import type { Parser } from './parsers.ts'

/** A parser that looks at a whole workspace is tried this many times less. */
const SLOWER_BY = 12

export const runsOf = (parser: Parser, runs: number): number =>
  Math.max(1, Math.round(parser.isSlow ? runs / SLOWER_BY : runs))

export function lawOf(parser: Parser): fc.IAsyncProperty<[Uint8Array]> {
  return fc.asyncProperty(anyBytes(parser.examples), async (bytes) => {
    const wrong = await breach(parser, bytes)
    if (wrong !== null) throw new Error(`${parser.name}: ${wrong}`)
  })
}

export interface Failure {
  parser: string
  wrong: string
  /** The smallest input that was found to do it. */
  base64: string
  /** Hand both to `test/run.mjs parsers`, or to `fc.assert`, to see it again. */
  seed: number
  path: string | null
}

/** Tries a parser with one seed; null if it keeps the law. */
export async function tried(parser: Parser, seed: number, runs: number): Promise<Failure | null> {
  const details = await fc.check(lawOf(parser), { seed, numRuns: runsOf(parser, runs) })
  if (!details.failed) return null
  const bytes = details.counterexample?.[0] ?? new Uint8Array()
  const wrong = details.errorInstance instanceof Error ? details.errorInstance.message : 'it ran out of time'
  const base64 = Buffer.from(bytes).toString('base64')
  return { parser: parser.name, wrong, base64, seed, path: details.counterexamplePath }
}

export const told = ({ parser, wrong, base64, seed, path }: Failure): string =>
  [`parser: ${parser}`, `seed: ${seed}${path === null ? '' : ` path: ${path}`}`, wrong, `base64: ${base64}`].join('\n')
