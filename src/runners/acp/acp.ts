/** The `acp` runner: any agent of the Agent Client Protocol, spoken with by the driver. */
import type { Config } from '../../core/config.ts'
import { permissionLevel } from '../../core/permission.ts'
import type { StageRequest } from '../../core/request.ts'
import type { Harness } from '../harness.ts'
import type { RunnerProbe } from '../runner.ts'
import { driven } from '../two-way/protocol.ts'
import type { AcpSettings } from './protocol.ts'
import { acpTranscript } from './transcript.ts'

type AcpConfig = Config['runners']['acp']

export const NO_ACP_COMMAND =
  'Runner acp has no program: set runners.acp.command in millrace.toml to an agent of the Agent Client Protocol.'

const settingsOf = (config: AcpConfig, request: StageRequest): AcpSettings => ({
  workspaceRoot: request.workspace_root,
  level: permissionLevel(config, request),
  model: request.model_name,
  effort: request.model_reasoning_effort,
  sessionId: request.resume_session?.session_id ?? null,
})

/** `driver` is the path of the driver program; `probe` needs the processes of the machine. */
export function acpHarness(config: AcpConfig, driver: string, probe: () => Promise<RunnerProbe>): Harness {
  return {
    name: 'acp',
    output: 'events',
    command(request) {
      if (config.command === null) return { refused: NO_ACP_COMMAND }
      const startMs = config.start_seconds * 1000
      return {
        ...driven(driver, { protocol: 'acp', settings: { ...settingsOf(config, request) }, startMs }, [
          config.command,
          ...config.args,
        ]),
        env: config.env,
        envPass: config.env_pass,
        envPrefixes: config.env_prefixes,
      }
    },
    transcript: acpTranscript,
    probe,
  }
}
