// The tests that go on for as long as they are told. They are written in TypeScript, so each is bundled first.
//
//   node test/run.mjs recoveries --seconds 600 [--seed N]          recovery cut short, and a disk that refuses any call
//   node test/run.mjs simulation --seconds 600 | --seed N          random people, agents and machines
//   node test/run.mjs parsers --seconds 600 [--seed N] [--parser NAME]
//   node test/run.mjs kills --kills 500 [--seed N] [--json]        the built daemon, killed at random moments
import { rmSync } from 'node:fs'
import path from 'node:path'
import { build } from 'esbuild'

const PROGRAMS = {
  recoveries: 'crash/main.ts',
  simulation: 'simulate/main.ts',
  parsers: 'fuzz/main.ts',
  kills: 'crash/kills/main.ts',
}

const [name, ...argv] = process.argv.slice(2)
const program = PROGRAMS[name]
if (program === undefined) {
  console.error(`Name one of ${Object.keys(PROGRAMS).join(', ')}.`)
  process.exit(2)
}
const repository = path.join(import.meta.dirname, '..')
// As deep as the sources that look for the assets from where they lie.
const outfile = path.join(repository, 'node_modules/.cache', `millrace-${name}.${process.pid}.mjs`)
process.setSourceMapsEnabled(true)
try {
  await build({
    entryPoints: [path.join(import.meta.dirname, program)],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
    sourcemap: 'inline',
  })
  const { main } = await import(outfile)
  process.exitCode = await main(argv, repository)
} finally {
  rmSync(outfile, { force: true })
}
