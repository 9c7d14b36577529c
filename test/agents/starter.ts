/** A runtime that starts one agent and then does nothing: the test kills it to see that the agent lives on. */
import * as fs from 'node:fs'
import { parseConfig } from '../../src/core/config.ts'
import { StageRequest } from '../../src/core/request.ts'
import { runnersFor } from '../../src/runners/registry.ts'
import { disk } from '../../src/store/files.ts'
import { clock } from './clock.ts'

const [requestFile, ...command] = process.argv.slice(2)
const request = StageRequest.parse(JSON.parse(fs.readFileSync(requestFile!, 'utf8')))
const config = parseConfig({ runners: { command: { command: command[0], args: command.slice(1) } } }, 'test')
const runners = runnersFor(config, {
  files: disk,
  clock,
  workspaceRoot: request.workspace_root,
  scriptedAgent: '',
  driver: '',
  environment: process.env,
})
const started = await runners.get('command')!.start(request)
process.stdout.write(`${JSON.stringify(started)}\n`)
setInterval(() => {}, 1000)
