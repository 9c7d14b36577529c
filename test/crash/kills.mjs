#!/usr/bin/env node
/**
 * The real thing: the built daemon with real agents, killed at random moments until N kills have happened.
 * What is done to it is in kills/strikes.ts, what must hold in kills/ledger.ts, kills/fates.ts and kills/audit.ts.
 *
 *   node test/crash/kills.mjs [--kills N] [--seed N] [--json]
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { build } from 'esbuild'

const repository = path.join(import.meta.dirname, '..', '..')
const outfile = path.join(repository, 'node_modules', '.cache', 'millrace-test', `kills.${process.pid}.mjs`)
try {
  await build({
    entryPoints: [path.join(import.meta.dirname, 'kills', 'main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  })
  const { main } = await import(outfile)
  process.exitCode = await main(process.argv.slice(2), repository)
} finally {
  fs.rmSync(outfile, { force: true })
}
