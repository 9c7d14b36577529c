import assert from 'node:assert/strict'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { run, succeeded } from './parts/commands.mjs'

export const row = {
  id: 'M002-08',
  says: 'A clean install of the tarball gives the command, and it tells the version of the package.',

  async run() {
    const folder = process.env.ROWS_PACKAGE
    const { version, bin } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))
    for (const [name, file] of Object.entries(bin)) {
      const found = succeeded(await run('sh', ['-c', `command -v ${name}`]), `command -v ${name}`).stdout.trim()
      assert.equal(realpathSync(found), path.join(realpathSync(folder), file))
      const { stdout } = succeeded(await run(name, ['--version']), `${name} --version`)
      assert.equal(stdout, `${name} ${version}\n`)
    }
    assert.ok('millrace' in bin)
    // The tarball, not a link to a repository.
    for (const name of ['src', 'test', '.git']) assert.equal(existsSync(path.join(folder, name)), false, name)
  },
}
