import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatCents, toCents } from '../src/money.js'

test('amounts are read with and without cents', () => {
  assert.equal(toCents('12'), 1200)
  assert.equal(toCents('12.5'), 1250)
  assert.equal(toCents(' 0.07 '), 7)
})

test('text that is not an amount is refused', () => {
  for (const text of ['', 'ten', '1,50', '1.234', '-3']) assert.throws(() => toCents(text), RangeError)
})

test('amounts are written with two digits after the point', () => {
  assert.equal(formatCents(1250), '12.50')
  assert.equal(formatCents(7), '0.07')
})
