import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

export const row = {
  id: 'M001-31',
  says: 'The package declares its licence and the runtime versions it supports.',

  async run() {
    const inPackage = (name) => path.join(process.env.ROWS_PACKAGE, name)
    const { license, engines, os } = JSON.parse(readFileSync(inPackage('package.json'), 'utf8'))
    assert.equal(license, 'Apache-2.0')
    assert.ok(existsSync(inPackage('LICENSE')))
    assert.match(readFileSync(inPackage('LICENSE'), 'utf8'), /Apache License\s+Version 2\.0/)
    const [, major, minor] = /^>=(\d+)\.(\d+)$/.exec(engines.node).map(Number)
    const [ourMajor, ourMinor] = process.versions.node.split('.').map(Number)
    assert.ok(ourMajor > major || (ourMajor === major && ourMinor >= minor), 'this Node is none it supports')
    assert.deepEqual(os, ['linux', 'darwin'])
    const readme = readFileSync(inPackage('README.md'), 'utf8')
    assert.ok(readme.includes(`Node ${major}.${minor}`), 'README.md names another version of Node')
    assert.ok(readme.includes(license))
  },
}
