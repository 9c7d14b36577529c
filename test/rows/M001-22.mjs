import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const FLOORS = ['core', 'store', 'runners', 'engine', 'operations', 'cli']
/** Of the modules that decide or touch the world, how many have a test of the same name beside them, at least. */
const TESTED_SHARE_MIN = 0.3

export const row = {
  id: 'M001-22',
  says: 'Source and tests mirror the domains: a folder for each floor, and the test of a module beside it.',
  reads: 'clone',

  async run() {
    const clone = process.env.ROWS_CLONE
    const files = readdirSync(path.join(clone, 'src'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(clone, path.join(entry.parentPath ?? entry.path, entry.name)))
    for (const floor of FLOORS) {
      const own = files.filter((file) => file.startsWith(`src/${floor}/`))
      assert.ok(own.length > 0, `there is no src/${floor}`)
      assert.ok(
        own.some((file) => file.endsWith('.test.ts')),
        `nothing tests src/${floor}`,
      )
    }

    const tests = files.filter((file) => file.endsWith('.test.ts'))
    const modules = files.filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    const stray = tests.filter(
      (test) => !modules.some((module) => isTestOf(test, module)) && !asksOwnFloor(clone, test),
    )
    assert.deepEqual(stray, [], 'these tests ask nothing of the floor they lie on')
    const tested = modules.filter((module) => tests.some((test) => isTestOf(test, module)))
    assert.ok(tested.length / modules.length > TESTED_SHARE_MIN, `${tested.length} of ${modules.length} modules`)

    for (const folder of ['scenarios', 'surfaces', 'agents', 'rows', 'crash', 'clients'])
      assert.ok(existsSync(path.join(clone, 'test', folder)), `there is no test/${folder}`)
  },
}

/** `core/document.test.ts` and `core/document.laws.test.ts` are tests of `core/document.ts`. */
function isTestOf(test, module) {
  return (
    path.dirname(test) === path.dirname(module) && path.basename(test).split('.')[0] === path.basename(module, '.ts')
  )
}

/** A test that several modules share lies in their folder, and imports them from there. */
function asksOwnFloor(clone, test) {
  const floor = test.split(path.sep).slice(0, 2).join(path.sep)
  const imports = readFileSync(path.join(clone, test), 'utf8').matchAll(/from '(\.\.?\/[^']+)'/g)
  return [...imports].some(([, from]) => path.join(path.dirname(test), from).startsWith(`${floor}${path.sep}`))
}
