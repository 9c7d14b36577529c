/** Programs that tests start are written in TypeScript; this bundles one so that every supported version of Node runs it. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { buildSync } from 'esbuild'

const FOLDER = path.join(import.meta.dirname, '../../node_modules/.cache/millrace-test')
const built = new Map<string, string>()

/** Path of the bundle, built once for a test process. Test processes side by side replace each other's, whole. */
export function bundled(source: string): string {
  const known = built.get(source)
  if (known !== undefined) return known
  const name = path.basename(source, '.ts')
  const outfile = path.join(FOLDER, `${name}.mjs`)
  const own = path.join(FOLDER, `${name}.${process.pid}.mjs`)
  buildSync({
    entryPoints: [source],
    outfile: own,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  })
  fs.renameSync(own, outfile)
  built.set(source, outfile)
  return outfile
}
