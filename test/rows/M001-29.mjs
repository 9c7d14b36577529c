import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'

export const row = {
  id: 'M001-29',
  says: 'The commands that verify the project, test, lint and types, are documented, and CI runs them.',
  reads: 'clone',

  async run() {
    const clone = process.env.ROWS_CLONE
    const text = (name) => readFileSync(path.join(clone, name), 'utf8')
    const { scripts } = JSON.parse(text('package.json'))
    for (const command of ['tsc --noEmit', 'biome check', 'knip', 'vitest run'])
      assert.ok(
        reached(scripts, 'test').some((one) => one.includes(command)),
        `npm test does not reach ${command}`,
      )

    assert.ok(text('README.md').includes('npm test'))
    const contributing = text('CONTRIBUTING.md')
    for (const command of ['npm test', 'npx biome check', 'npx tsc --noEmit', 'npx vitest run'])
      assert.ok(contributing.includes(command), `CONTRIBUTING.md does not name ${command}`)
    for (const script of contributing.matchAll(/npm run ([\w:]+)/g)) assert.ok(scripts[script[1]], script[0])
    assert.match(text('.ci/run'), /^npm ci && npm test$/m)
  },
}

/** What a script runs, by itself and by the scripts it runs. */
function reached(scripts, name) {
  const parts = (scripts[name] ?? '').split('&&').map((part) => part.trim())
  return parts.flatMap((part) => {
    const script = /^npm (?:run )?([\w:]+)$/.exec(part)?.[1]
    return script && script !== name ? reached(scripts, script) : [part]
  })
}
