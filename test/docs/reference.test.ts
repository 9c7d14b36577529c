/** docs/reference is what the sources say now. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { referencePages } from '../../reference/pages.ts'
import { configKeys } from '../../src/core/config.ts'
import { ERROR_CODES } from '../../src/core/errors.ts'
import { EVENT_TYPES } from '../../src/core/events.ts'
import { OPERATIONS } from '../../src/operations/table.ts'
import { REPOSITORY } from './documents.ts'

const FOLDER = path.join(REPOSITORY, 'docs/reference')
const firstCells = (page: string): string[] => [...page.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]!)

let pages: Map<string, string>
beforeAll(async () => {
  pages = await referencePages(REPOSITORY)
})

describe('the reference', () => {
  it('is what the sources say; otherwise write it anew with `npm run docs`', () => {
    const there = (fs.readdirSync(FOLDER, { recursive: true }) as string[])
      .map((name) => name.replaceAll(path.sep, '/'))
      .filter((name) => fs.statSync(path.join(FOLDER, name)).isFile())
    expect(there.sort()).toEqual([...pages.keys()].sort())
    const stale = there.filter((name) => fs.readFileSync(path.join(FOLDER, name), 'utf8') !== pages.get(name))
    expect(stale).toEqual([])
  })

  it('has every verb, error code, event and config key, and no other', () => {
    const headings = [...pages.get('cli.md')!.matchAll(/^## millrace (.+)$/gm)].map((match) => match[1]!)
    expect(headings.filter((name) => name !== 'status watch')).toEqual(OPERATIONS.map(({ name }) => name))
    expect(firstCells(pages.get('errors.md')!)).toEqual(expect.arrayContaining(Object.keys(ERROR_CODES)))
    expect(firstCells(pages.get('events.md')!)).toEqual(Object.keys(EVENT_TYPES))
    expect(firstCells(pages.get('configuration.md')!)).toEqual(
      expect.arrayContaining(configKeys().map(({ key }) => key)),
    )
  })
})
