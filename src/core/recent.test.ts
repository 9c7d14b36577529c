import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecentMap } from './recent.ts'

test('a recent map knows what was set last, holds no more than it may, and hands over what it forgets', () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 1, max: 9 })), { maxLength: 200 })
  fc.assert(
    fc.property(steps, fc.integer({ min: 2, max: 20 }), (sets, sizeMax) => {
      const forgotten = new Map<number, number>()
      const map = new RecentMap<number, number>(sizeMax, (key, value) => forgotten.set(key, value))
      const all = new Map<number, number>()
      for (const [key, value] of sets) {
        forgotten.delete(key)
        map.set(key, value)
        all.set(key, value)
        expect(map.get(key)).toBe(value)
      }
      const kept = map.entries()
      expect(kept.length).toBeLessThanOrEqual(sizeMax + 1)
      expect(new Map([...forgotten, ...kept])).toEqual(all)
      expect(kept.length + forgotten.size).toBe(all.size)
      const newest = [...new Set(sets.map(([key]) => key).reverse())].slice(0, Math.floor(sizeMax / 2))
      expect(newest.filter((key) => map.get(key) === undefined)).toEqual([])
    }),
  )
})
