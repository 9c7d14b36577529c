// A harness that does its work in the project and hands in what it owes in its run folder. Before and after, it takes
// down what it finds in the queues and in the state of the runtime: nothing of that is any business of its own.
import { createHash } from 'node:crypto'
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const { MILLRACE_REQUEST_ID: requestId, MILLRACE_RUN_DIR: runDir } = process.env
const runtimeRoot = resolve(runDir, '../..')

readFileSync(0)
const before = digest()
const request = JSON.parse(readFileSync(join(runDir, 'stage_requests', `${requestId}.json`), 'utf8'))
const outcome = Object.keys(request.owed_artifacts_by_outcome)[0]
appendFileSync('work.txt', `${request.stage_kind_id}\n`)
for (const { path } of request.owed_artifacts_by_outcome[outcome])
  writeFileSync(resolve(runDir, path), `By ${requestId}.\n`)
const seen = { stage: request.stage_kind_id, before, after: digest() }
appendFileSync(process.argv[2], `${JSON.stringify(seen)}\n`)
process.stdout.write(`Done.\n\n### ${outcome}\n`)

/** A hash of every file there, by its name. */
function digest() {
  const files = ['tasks', 'specs', 'incidents', 'state'].flatMap((folder) =>
    readdirSync(join(runtimeRoot, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name)),
  )
  const digests = files.map((file) => [
    file.slice(runtimeRoot.length + 1),
    createHash('sha256').update(readFileSync(file)).digest('hex'),
  ])
  return Object.fromEntries(digests)
}
