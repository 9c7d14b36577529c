import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splitEvenly } from '../src/split.js'

test('a bill is split evenly and the first people pay the leftover cents', () => {
  assert.deepEqual(splitEvenly(900, 3), [300, 300, 300])
  assert.deepEqual(splitEvenly(1000, 3), [334, 333, 333])
})

test('a bill without people, or in half cents, is refused', () => {
  assert.throws(() => splitEvenly(1000, 0), RangeError)
  assert.throws(() => splitEvenly(10.5, 2), RangeError)
})
