import * as fs from 'node:fs'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { fixtureFiles, listing, VERSIONS } from './fixtures/make.mjs'

describe.each(VERSIONS)('the workspace of the Python runtime %s', (version) => {
  const { files, runIds } = fixtureFiles(version)

  test('is byte for byte the one that is on record', () => {
    const record = path.join(import.meta.dirname, 'fixtures', `${version}.files`)
    expect(listing(version)).toBe(fs.readFileSync(record, 'utf8'))
  })

  test('names absolute paths of its old machine only where the format has absolute ones', () => {
    const absolute = [...files].filter(([, { text }]) => text.includes('/home/operator/project')).map(([file]) => file)
    const places =
      /^millrace-agents\/(runs\/|logs\/runtime_events|state\/runtime_(error_context|daemon\.lock)|learning\/update-)/
    expect(absolute.length).toBeGreaterThan(100)
    expect(absolute.filter((file) => !places.test(file))).toEqual([])
  })

  test('has the forty old runs, and documents with carriage returns and a byte order mark', () => {
    expect(runIds.length).toBeGreaterThanOrEqual(41)
    const texts = [...files].filter(([file]) => /\/(tasks|specs)\//.test(file)).map(([, { text }]) => text)
    expect(texts.filter((text) => text.includes('\r\n'))).toHaveLength(2)
    expect(texts.filter((text) => text.startsWith('\uFEFF'))).toHaveLength(1)
  })
})
