import * as path from 'node:path'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'
import { makeLook } from './look.ts'
import { plainLook } from './plain-look.ts'

const options = { terminal: false, colour: false, width: 80, now: new Date('2026-03-02T12:00:00Z') }

describe('the look without columns', () => {
  it('says everything but tables as the other does', () => {
    const [plain, whole] = [plainLook(options), makeLook(options)]
    expect(plain.field('a', 'x\ny')).toBe(whole.field('a', 'x\ny'))
    expect(plain.ago('2026-03-02T11:55:00Z')).toBe(whole.ago('2026-03-02T11:55:00Z'))
    expect(plain.safe('a\u0007b')).toBe('ab')
    expect([plain.terminal, plain.width, plain.now]).toEqual([whole.terminal, whole.width, whole.now])
    expect(plain.table([['a', 'b'], ['c']], [])).toBe('a  b\nc')
  })

  it('is there without what knows the widths of all scripts, which would take longer to load than most commands take', async () => {
    const { metafile } = await build({
      entryPoints: [path.join(import.meta.dirname, 'plain-look.ts')],
      bundle: true,
      format: 'esm',
      platform: 'node',
      write: false,
      metafile: true,
      logLevel: 'silent',
    })
    const packages = Object.keys(metafile.inputs).flatMap((file) => /node_modules\/([^/]+)/.exec(file)?.[1] ?? [])
    expect(new Set(packages)).toEqual(new Set(['picocolors']))
  })
})
