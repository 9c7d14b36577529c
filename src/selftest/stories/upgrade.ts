/** A workspace of an older package. */
import { type BaselineManifest, manifestOf, manifestText, originalsOf } from '../../core/baseline.ts'
import { hashBytes, readText } from '../../store/files.ts'
import { AT } from '../../store/layout.ts'
import { planUpgrade, upgradeChanges } from '../../store/workspace-upgrade.ts'
import { type Story, succeeding } from '../story.ts'
import { at, has, lines } from './ending.ts'
import { BUILT } from './script.ts'

const OLD = 'As an older package had it.'
const MISSING = ['entrypoints/execution/fixer.md', 'outline.md']

export const upgrade: Story = {
  name: 'upgrade',
  about: 'control',
  tells: 'a workspace is brought up to the package: files that are old or missing are written',
  begin({ task, file, files }) {
    task('a')
    const old = `${OLD}\n`
    file('millrace-agents/entrypoints/execution/updater.md', old)
    const manifest = JSON.parse(readText(files, at(AT.baseline)) ?? '') as BaselineManifest
    const originals = originalsOf(manifest).set('entrypoints/execution/updater.md', hashBytes(old))
    file(`millrace-agents/${AT.baseline}`, manifestText(manifestOf('0.0.1', originals)))
    for (const missing of MISSING) files.unlink(at(missing))
  },
  script: succeeding(),
  async first(engine) {
    const { files, places } = engine.workspace
    const plan = planUpgrade({ files, places, packageRoot: engine.ports.packageRoot, version: '0.0.2' })
    await engine.commit(upgradeChanges(plan, engine.workspace.view().now, files, places))
  },
  ends: { 'task a': 'done' },
  outcomes: BUILT,
  also(files) {
    const upgrades = lines(files, at(AT.events)).filter((line) => line.includes('workspace_upgraded')).length
    const old = lines(files, at('entrypoints/execution/updater.md')).filter((line) => line === OLD)
    // All of it or nothing: a runtime after the crash is not asked to upgrade.
    return [
      ...has(old, 1 - upgrades, 'old lines'),
      ...has(
        MISSING.filter((file) => files.stat(at(file)) === null),
        upgrades === 1 ? 0 : MISSING.length,
        'missing files',
      ),
    ]
  },
}
