/**
 * A mutant with which a module cannot even be loaded leaves the tests beside it without one that could fail, and would
 * count as survived. So each module is loaded once inside of a test.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'

const CORE = path.resolve(import.meta.dirname, '../../src/core')
const modules = fs.readdirSync(CORE).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))

test.each(modules)('src/core/%s can be loaded by itself', async (name) => {
  await expect(import(path.join(CORE, name))).resolves.toBeDefined()
})
