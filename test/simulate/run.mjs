// Bundles the simulation and runs it: `node test/simulate/run.mjs --seconds 120`, or `--seed N` for one story again.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { build } from 'esbuild'

const repository = path.join(import.meta.dirname, '..', '..')
const folder = mkdtempSync(path.join(tmpdir(), 'millrace-simulate-'))
process.on('SIGINT', () => {}) // the simulation ends by it; then this program cleans up
try {
  const program = path.join(folder, 'main.mjs')
  await build({
    entryPoints: [path.join(import.meta.dirname, 'main.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
    sourcemap: 'inline',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
  })
  const done = spawnSync(process.execPath, ['--enable-source-maps', program, repository, ...process.argv.slice(2)], {
    stdio: 'inherit',
  })
  process.exitCode = done.status ?? 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
