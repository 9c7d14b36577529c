/** Arbitrary transactions: a folder as it is before, the operations on it, and what it must be afterwards. */
import * as fc from 'fast-check'
import { type FileOperation, payload } from '../../src/store/file-operation/file-operation.ts'
import { hashBytes } from '../../src/store/files.ts'

export interface Transaction {
  before: Record<string, string>
  operations: FileOperation[]
  after: Record<string, string>
}

/** The last operation of every transaction writes this file; its revision is what recovery goes by. */
export const SNAPSHOT = 'state/snapshot.json'
export const snapshot = (revision: number): string => `{"revision":${revision}}\n`

const text = fc.oneof(
  fc.string({ minLength: 1, maxLength: 30 }),
  fc.constantFrom('line\n', 'wörter ☂\n', 'a', '\n', 'x'.repeat(5000)),
)

const steps = fc.array(
  fc.record({
    op: fc.constantFrom('put' as const, 'replace' as const, 'move' as const, 'append' as const, 'remove' as const),
    folder: fc.constantFrom('queue', 'done', 'fresh/deep'),
    old: text,
    fresh: text,
    carried: fc.boolean(),
  }),
  { minLength: 0, maxLength: 5 },
)

export const transaction: fc.Arbitrary<Transaction> = steps.map((drawn) => {
  const before: Record<string, string> = { [SNAPSHOT]: snapshot(1), 'queue/other.md': 'not concerned\n' }
  const after: Record<string, string> = { 'queue/other.md': 'not concerned\n' }
  const operations = drawn.map(({ op, folder, old, fresh, carried }, number): FileOperation => {
    const file = `queue/${number}.md`
    const elsewhere = `${folder}/to-${number}.md`
    if (op !== 'put') before[file] = old
    switch (op) {
      case 'put':
        after[elsewhere] = fresh
        return { op: 'put', path: elsewhere, content: { text: fresh }, expects: null, leaves: hashBytes(fresh) }
      case 'replace':
        after[file] = fresh
        return { op: 'put', path: file, content: { text: fresh }, expects: hashBytes(old), leaves: hashBytes(fresh) }
      case 'move':
        after[elsewhere] = old
        return { op: 'move', from: file, to: elsewhere, content: carried ? payload(old) : null, hash: hashBytes(old) }
      case 'append':
        after[file] = `${old}${fresh}`
        return { op: 'append', path: file, offset: Buffer.byteLength(old), content: { text: fresh } }
      default:
        return { op: 'remove', path: file, hash: hashBytes(old) }
    }
  })
  after[SNAPSHOT] = snapshot(2)
  const [expects, leaves] = [hashBytes(snapshot(1)), hashBytes(snapshot(2))]
  operations.push({ op: 'put', path: SNAPSHOT, content: { text: snapshot(2) }, expects, leaves })
  return { before, operations, after }
})
