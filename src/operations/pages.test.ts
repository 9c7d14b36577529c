import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contextIn } from '../../test/rig/context.ts'
import { disk } from '../store/files.ts'
import { docs } from './docs.ts'
import { pagesOf } from './pages.ts'

const top = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-pages-'))
const FILES = {
  'README.md': '# The package\n',
  'docs/README.md': '# All pages\n\n[last](zebra.md), [skill](skills/ops/SKILL.md), [first](ant.md#part)\n',
  'docs/ant.md': '# Ants\n',
  'docs/loose.md': '# Nobody names it\n',
  'docs/zebra.md': '# Zebras\n',
  'docs/skills/ops/SKILL.md': '# Operate\n',
  'docs/reference/schemas/README.md': '# Schemas\n',
  'docs/reference/schemas/a/b.md': 'too deep',
  'docs/notes.txt': 'no page',
}

beforeAll(() => {
  for (const [name, text] of Object.entries(FILES)) {
    fs.mkdirSync(path.join(top, path.dirname(name)), { recursive: true })
    fs.writeFileSync(path.join(top, name), text)
  }
})
afterAll(() => fs.rmSync(top, { recursive: true, force: true }))

const ask = (input: Parameters<typeof docs.run>[1]) =>
  docs.run(contextIn(top, { packageRoot: path.join(top, 'assets') }), input)

describe('pages of the package', () => {
  it('are found below docs/, three folders deep, a folder speaking through its README or SKILL', () => {
    expect(pagesOf(disk, top).map(({ topic, path: file }) => `${topic} ${file}`)).toEqual([
      'readme README.md',
      'docs docs/README.md',
      'ant docs/ant.md',
      'loose docs/loose.md',
      'schemas docs/reference/schemas/README.md',
      'ops docs/skills/ops/SKILL.md',
      'zebra docs/zebra.md',
    ])
  })

  it('come in the order of the index, what it does not name last', async () => {
    const { topics } = await ask({})
    expect(topics.map(({ topic }) => topic)).toEqual(['readme', 'docs', 'zebra', 'ops', 'ant', 'loose', 'schemas'])
  })

  it('are asked for by topic or by the start of one', async () => {
    expect((await ask({ topic: 'ops' })).text).toBe('# Operate\n')
    expect((await ask({ topic: 'zeb' })).text).toBe('# Zebras\n')
    await expect(ask({ topic: 'zbera' })).rejects.toThrow('There is no document zbera.')
  })

  it('are none where the package has no documents', () => {
    expect(pagesOf(disk, path.join(top, 'nowhere'))).toEqual([{ topic: 'readme', path: 'README.md' }])
  })
})
