/**
 * A runtime in a process of its own, for stories in which it is killed: bundled and started by `Daemon`, killed by the
 * test. Arguments: workspace, packaged assets, scripted agent. SIGTERM is a stop.
 */
import { runLoop } from '../../src/engine/daemon.ts'
import { Engine } from '../../src/engine/engine.ts'
import { enginePorts } from './ports.ts'

const [workspaceRoot = '', packageRoot = '', scriptedAgent = ''] = process.argv.slice(2)
const ports = enginePorts(workspaceRoot, { packageRoot, scriptedAgent })
const engine = await Engine.open(ports, { workspaceRoot, runtimeMode: 'daemon' })
process.on('SIGTERM', () => {
  engine.stopping = 'stop'
  engine.wake()
})
await runLoop(engine, { ticksMax: null, stopWhenIdle: false })
await engine.close()
