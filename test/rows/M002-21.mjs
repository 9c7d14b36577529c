import assert from 'node:assert/strict'
import { installHarness } from './parts/harnesses.mjs'
import { newWorkspace } from './parts/workspace.mjs'

/** What each profile must put on the command line of Codex, and what must not stand there. */
const FLAGS = {
  normal: { with: ['-c', 'approval_policy="never"', '--sandbox', 'workspace-write'], without: ['danger-full-access'] },
  elevated: {
    with: ['-c', 'approval_policy="never"', '--sandbox', 'danger-full-access'],
    without: ['workspace-write'],
  },
  maximum: { with: ['--dangerously-bypass-approvals-and-sandbox'], without: ['--sandbox'] },
}

export const row = {
  id: 'M002-21',
  says: 'Each permission profile of a stage gives Codex its documented flags; another word is refused.',

  async run() {
    installHarness('codex')
    const workspaces = {}
    for (const [profile, flags] of Object.entries(FLAGS)) {
      const workspace = await newWorkspace({
        name: profile,
        runner: null,
        config: `[stages.builder]\npermission_profile = "${profile}"\n`,
      })
      workspaces[profile] = workspace
      await workspace.add('task', 'work')
      await workspace.millrace('run', 'once')
      const [runId] = await workspace.runIds()
      const [name] = workspace.names(`runs/${runId}`).filter((file) => file.startsWith('runner_invocation.'))
      const { command, stage } = workspace.read(`runs/${runId}/${name}`)
      assert.equal(stage, 'builder')
      const line = command.join(' ')
      assert.ok(line.includes(flags.with.join(' ')), `${profile}: ${line}`)
      for (const flag of [...flags.without, ...othersThan(profile)])
        assert.ok(!command.includes(flag), `${profile}: ${line}`)
    }

    const { normal } = workspaces
    normal.configure('[stages.checker]\npermission_profile = "full-auto"')
    const refused = await normal.millrace('config', 'validate')
    assert.equal(refused.code, 1, refused.stdout)
    assert.match(refused.stderr + refused.stdout, /stages\.checker\.permission_profile/)
  },
}

const othersThan = (profile) => (profile === 'maximum' ? [] : ['--dangerously-bypass-approvals-and-sandbox'])
