import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { namesIn } from './parts/pages.mjs'

const PAGES = [
  'arbiter-and-completion.md',
  'reference/cli.md',
  'compiler-and-frozen-plans.md',
  'reference/entrypoints.md',
  'reference/modes-and-loops.md',
  'authoring.md',
  'runners.md',
  'architecture.md',
  'reference/errors.md',
  'source-map.md',
]

export const row = {
  id: 'M001-24',
  says: 'The documents on the runtime are there, the error codes on their page are those of the source, and the map knows every folder.',
  reads: 'clone',

  async run() {
    const at = (...parts) => path.join(process.env.ROWS_CLONE, ...parts)
    const text = (file) => readFileSync(at(file), 'utf8')
    for (const name of PAGES) assert.match(text(`docs/${name}`), /^# \S.*\n\n[\s\S]{500}/, name)

    const source = text('src/core/errors.ts')
    const codes = [
      ...source
        .split('ERROR_CODES = {')[1]
        .split('} as const')[0]
        .matchAll(/^ {2}([a-z_]+): \{/gm),
    ].map(([, code]) => code)
    assert.ok(codes.length > 20, 'the codes of the source were not found')
    const shown = text('docs/reference/errors.md').split('## Error codes')[1].split('\n## ')[0]
    assert.deepEqual(namesIn(shown), codes)

    const map = text('docs/source-map.md')
    const layers = [...text('test/layers.test.ts').matchAll(/^ {2}([a-z]+): \[/gm)].map(([, layer]) => layer)
    assert.ok(layers.length > 5, 'the layers were not found')
    for (const layer of layers) assert.ok(map.includes(`\`src/${layer}/\``), `src/${layer} is not on the map`)
  },
}
