// Bundles the benchmarks and runs them in a folder of their own, which is removed afterwards: all ratios, or the ones
// named as arguments (`npm run bench -- R3 G1`). What is measured and how is in the files beside this one.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { build } from 'esbuild'

const repository = path.join(import.meta.dirname, '..')
// Beside the repository and not in /tmp, which is memory on many machines: a flush must reach a disk.
const cache = path.join(repository, 'node_modules', '.cache')
mkdirSync(cache, { recursive: true })
const folder = mkdtempSync(path.join(cache, 'millrace-bench-'))
process.on('SIGINT', () => {}) // the benchmarks end by it; then this program cleans up
try {
  await build({
    entryPoints: readdirSync(import.meta.dirname)
      .filter((name) => name.endsWith('.ts'))
      .map((name) => path.join(import.meta.dirname, name)),
    outdir: path.join(folder, 'programs'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  })
  const program = path.join(folder, 'programs', 'main.mjs')
  const done = spawnSync(
    process.execPath,
    [...process.execArgv, program, repository, folder, ...process.argv.slice(2)],
    { stdio: 'inherit' },
  )
  process.exitCode = done.status ?? 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
