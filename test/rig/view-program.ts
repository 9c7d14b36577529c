/** Reads what an agent left as a live view does, and says how many events there were and what memory that took. */
import { parseConfig } from '../../src/core/config.ts'
import type { StageRequest } from '../../src/core/request.ts'
import { codexHarness } from '../../src/runners/codex/codex.ts'
import { commandHarness } from '../../src/runners/command.ts'
import { liveView } from '../../src/runners/live-view.ts'
import { disk } from '../../src/store/files.ts'

const [kind, run_dir, request_id] = process.argv.slice(2)
const probe = async () => ({ runner: 'x', ok: true, binary: null, version: null, problem: null, remedy: null })
const { runners } = parseConfig({}, 'millrace.toml')
const harness = kind === 'events' ? codexHarness(runners.codex, probe) : commandHarness(runners.command, probe)
const request = { run_dir, request_id, resume_session: null } as unknown as StageRequest

const rss = () => process.resourceUsage().maxRSS * 1024
const before = rss()
const view = liveView(harness, request, disk)
let count = 0
for (let more = true; more; ) {
  const read = view.read(1024 * 1024)
  count += read.events.length
  more = read.more
}
count += view.end().length
process.stdout.write(JSON.stringify({ count, grownBytes: rss() - before }))
