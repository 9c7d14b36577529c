import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { run } from './parts/commands.mjs'

export const row = {
  id: 'M001-30',
  says: 'A maintained line before 1.0: every command tells the version to pin, and the changelog begins with it.',

  async run() {
    const text = (name) => readFileSync(path.join(process.env.ROWS_PACKAGE, name), 'utf8')
    const { version, dependencies } = JSON.parse(text('package.json'))
    assert.match(version, /^0\.\d+\.\d+$/)
    for (const command of ['millrace', 'millracer', 'millstone']) {
      const { code, stdout } = await run(command, ['--version'])
      assert.deepEqual([command, code, stdout], [command, 0, `${command} ${version}\n`])
    }
    assert.equal((await run('millrace', ['version', '--json'])).json.version, version)
    const [latest] = text('CHANGELOG.md').match(/^## .*$/m)
    assert.ok(latest.includes(version) || /unreleased/i.test(latest), latest)
    assert.ok(text('CHANGELOG.md').includes(version), 'the changelog does not know the version')
    for (const [name, range] of Object.entries(dependencies)) assert.match(range, /^\d/, `${name} is not pinned`)
  },
}
