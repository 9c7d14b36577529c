import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as split from '../src/split.js'

const sum = (amounts) => amounts.reduce((total, amount) => total + amount, 0)

test('a bill is split in proportion to the shares, in their order', () => {
  assert.deepEqual(split.splitByShares(9000, [1, 2]), [3000, 6000])
  assert.deepEqual(split.splitByShares(1200, [3, 2, 1]), [600, 400, 200])
})

test('a person with no share pays nothing', () => {
  assert.deepEqual(split.splitByShares(500, [0, 1]), [0, 500])
})

test('the amounts add up to the bill, whatever the bill', () => {
  for (const shares of [[1, 1, 1], [1, 2, 3], [5, 0, 2, 7], [13, 1]]) {
    for (let cents = 0; cents <= 300; cents++) {
      assert.equal(sum(split.splitByShares(cents, shares)), cents, `${cents} cents by ${shares.join(':')}`)
    }
  }
})

test('leftover cents go to those who were rounded down most, earlier people first', () => {
  assert.deepEqual(split.splitByShares(101, [1, 2, 3]), [17, 34, 50])
  assert.deepEqual(split.splitByShares(1000, [1, 1, 1]), [334, 333, 333])
})

test('shares that make no sense are refused', () => {
  for (const shares of [[], [0, 0], [1, -1], [0.5, 0.5]]) {
    assert.throws(() => split.splitByShares(1000, shares), RangeError, `shares ${JSON.stringify(shares)}`)
  }
  assert.throws(() => split.splitByShares(10.5, [1, 1]), RangeError)
})
