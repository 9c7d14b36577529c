import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import path from 'node:path'
import { run, succeeded } from './parts/commands.mjs'

const OTHER = '0.0.7'
const NPM = path.join(path.dirname(realpathSync(process.execPath)), '../lib/node_modules/npm/bin/npm-cli.js')

export const row = {
  id: 'M002-10',
  says: 'An exact version can be installed, and the command then reports that very version.',

  async run() {
    const packed = process.env.ROWS_PACKAGE
    const { version } = JSON.parse(readFileSync(path.join(packed, 'package.json'), 'utf8'))
    const registry = await registryWith({
      [version]: await tarball(version, (folder) =>
        cpSync(packed, folder, { recursive: true, filter: (file) => path.basename(file) !== 'node_modules' }),
      ),
      // Newer or older, it is what somebody gets who names it, and nobody else.
      [OTHER]: await tarball(OTHER, (folder) => {
        mkdirSync(folder, { recursive: true })
        writeFileSync(path.join(folder, 'cli.js'), `#!/usr/bin/env node\nconsole.log('millrace ${OTHER}')\n`)
        writeFileSync(
          path.join(folder, 'package.json'),
          JSON.stringify({ name: 'millrace', version: OTHER, bin: 'cli.js' }),
        )
      }),
    })
    try {
      for (const wanted of [version, OTHER, version]) {
        await install(wanted, registry)
        const { stdout } = succeeded(await run(path.resolve('prefix/bin/millrace'), ['version']), 'millrace version')
        assert.equal(stdout, `millrace ${wanted}\n`)
      }
      const short = await run(path.resolve('prefix/bin/millrace'), ['--version'])
      assert.equal(short.stdout, `millrace ${version}\n`)
    } finally {
      registry.close()
    }
  },
}

/** A package as npm packs it. */
async function tarball(version, fill) {
  const folder = path.resolve(`of-${version}`)
  const file = path.resolve(`millrace-${version}.tgz`)
  fill(path.join(folder, 'package'))
  succeeded(await run('tar', ['-czf', file, '-C', folder, 'package']), 'tar')
  rmSync(folder, { recursive: true })
  return readFileSync(file)
}

/** A registry on loopback that has these versions, the other one being its latest. The package is a bundle: it needs no other. */
async function registryWith(tarballs) {
  const server = createServer((request, response) => {
    const version = /millrace-(.+)\.tgz$/.exec(request.url)?.[1]
    if (version !== undefined) return void response.end(tarballs[version])
    if (request.url !== '/millrace') return void response.writeHead(404).end('{}')
    const versions = Object.entries(tarballs).map(([one, bytes]) => [one, manifest(one, bytes, server.address().port)])
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({ name: 'millrace', 'dist-tags': { latest: OTHER }, versions: Object.fromEntries(versions) }),
    )
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

const manifest = (version, bytes, port) => ({
  name: 'millrace',
  version,
  bin: version === OTHER ? { millrace: 'cli.js' } : { millrace: 'dist/millrace.js' },
  dist: {
    tarball: `http://127.0.0.1:${port}/millrace-${version}.tgz`,
    integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
  },
})

async function install(version, registry) {
  const { port } = registry.address()
  const named = ['--registry', `http://127.0.0.1:${port}`, '--prefix', path.resolve('prefix'), `millrace@${version}`]
  const quiet = ['--no-audit', '--no-fund', '--omit=dev', '--ignore-scripts', '--loglevel=error']
  const args = [NPM, 'install', '--global', '--cache', path.resolve('cache'), ...quiet, ...named]
  succeeded(await run(process.execPath, args), `npm install millrace@${version}`)
}
