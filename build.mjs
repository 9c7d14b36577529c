// Bundles the commands into dist/. Code splitting keeps what a command does not need out of its start-up; programs of
// their own are built apart, so that they do not multiply the chunks `millrace` has to load.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { build } from 'esbuild'

const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
rmSync('dist', { recursive: true, force: true })
const settings = {
  outdir: 'dist',
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  minify: true,
  chunkNames: 'chunks/[name]-[hash]',
  define: { __MILLRACE_VERSION__: JSON.stringify(version) },
  // commander is CommonJS and asks for node's own modules by require. What starts processes takes longest to load, and
  // commander needs it only for verbs that are programs of their own, of which there are none.
  banner: { js: "const require=name=>name==='node:child_process'?null:process.getBuiltinModule(name);" },
  logLevel: 'warning',
}
const programs = [
  { millrace: 'src/millrace.ts' },
  { millracer: 'src/millracer.ts', millstone: 'src/millstone.ts' },
  { 'scripted-agent': 'src/runners/scripted/agent.ts' },
  { driver: 'src/runners/two-way/driver.ts' },
  { index: 'src/index.ts', testing: 'src/testing.ts' },
]
// What every quick command loads goes into one chunk: each file of its own costs a command as much as a folder it lists.
const inject = ['src/cli/main.ts', 'src/cli/invoke.ts', 'src/operations/status/status.ts']
for (const entryPoints of programs) {
  await build({ ...settings, entryPoints, ...('millrace' in entryPoints && { inject }) })
}
const tsc = 'node_modules/typescript/lib/tsc.js'
if (existsSync(tsc)) execFileSync(process.execPath, [tsc, '-p', 'tsconfig.types.json'], { stdio: 'inherit' })
