// Fuzzes every parser for as long as it is told: node test/fuzz/run.mjs --seconds 3600 [--seed N] [--parser NAME]
// Prints the seed, and for each parser that breaks its law the smallest input found, as base64. Exit status 1 if any did.
import { rmSync } from 'node:fs'
import path from 'node:path'
import { build } from 'esbuild'

// As deep as test/fuzz, so that sources which look for assets from where they lie find them.
const outfile = path.join(import.meta.dirname, `../../node_modules/.cache/millrace-fuzz.${process.pid}.mjs`)
await build({
  entryPoints: [path.join(import.meta.dirname, 'run.ts')],
  outfile,
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
})
try {
  await import(outfile)
} finally {
  rmSync(outfile, { force: true })
}
