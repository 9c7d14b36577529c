import * as path from 'node:path'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'

describe('status', () => {
  it('starts without the schema library, which would double its start-up', async () => {
    const { metafile } = await build({
      entryPoints: { status: path.join(import.meta.dirname, 'status.ts') },
      outdir: '/unused',
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      write: false,
      metafile: true,
      logLevel: 'silent',
    })
    const outputs = metafile.outputs
    const loaded = new Set<string>()
    const load = (file: string): void => {
      const output = outputs[file]
      if (!output || loaded.has(file)) return
      loaded.add(file)
      for (const one of output.imports) if (one.kind === 'import-statement') load(one.path)
    }
    load(Object.keys(outputs).find((file) => outputs[file]!.entryPoint?.endsWith('operations/status/status.ts'))!)
    const sources = [...loaded].flatMap((file) => Object.keys(outputs[file]!.inputs))
    expect(sources.some((source) => source.endsWith('operations/status/status.ts'))).toBe(true)
    expect(sources.filter((source) => source.includes('node_modules/'))).toEqual([])
  })
})
