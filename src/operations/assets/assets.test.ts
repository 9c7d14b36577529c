import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newWorkspace, type TestWorkspace } from '../../../test/rig/context.ts'
import { upgrade } from '../workspace/upgrade.ts'
import { assetsLocalise, assetsLs, assetsShow } from './assets.ts'

const LOOP = 'graphs/execution/standard.json'

let workspace: TestWorkspace
beforeEach(async () => {
  workspace = await newWorkspace()
})
afterEach(() => workspace.dispose())

const localised = (asset_id: string) => assetsLocalise.run(workspace.context, { asset_id })
const asset = async (id: string) => (await assetsLs.run(workspace.context, {})).assets.filter((one) => one.id === id)[0]

describe('assets', () => {
  it('are listed with whose copy counts', async () => {
    fs.writeFileSync(workspace.at('entrypoints/execution/builder.md'), '# mine\n')
    fs.writeFileSync(workspace.at('modes/own.json'), '{ broken')
    expect(await asset('execution.standard')).toEqual({
      kind: 'loop',
      id: 'execution.standard',
      path: LOOP,
      source: 'package',
      in_workspace: false,
      in_package: true,
    })
    expect(await asset('execution/builder')).toMatchObject({ source: 'workspace', in_package: true })
    expect(await asset('execution/checker')).toMatchObject({ source: 'package', in_workspace: true })
    expect(await asset('modes/own.json')).toMatchObject({ kind: 'other', in_package: false })
    const { assets } = await assetsLs.run(workspace.context, { kind: 'skill' })
    expect(assets.map((one) => one.id)).toContain('builder-core')
    expect(new Set(assets.map((one) => one.kind))).toEqual(new Set(['skill']))
  })

  it('are shown as they count, by id or path', async () => {
    fs.writeFileSync(workspace.at('entrypoints/execution/builder.md'), '# mine\n')
    const show = (asset_id: string) => assetsShow.run(workspace.context, { asset_id })
    expect((await show('execution/builder')).text).toBe('# mine\n')
    expect((await show(`millrace-agents/${LOOP}`)).id).toBe('execution.standard')
    await expect(show('execution.standrd')).rejects.toMatchObject({
      code: 'asset_unknown',
      hint: 'did you mean execution.standard?',
    })
  })
})

describe('localising', () => {
  it('copies the asset of the package byte for byte, and notes it', async () => {
    const issued = await localised('execution.standard')
    expect(issued).toMatchObject({ state: 'applied', applied: true, result: { paths: [LOOP] } })
    expect(fs.readFileSync(workspace.at(LOOP))).toEqual(fs.readFileSync(path.join(workspace.context.packageRoot, LOOP)))
    expect(await asset('execution.standard')).toMatchObject({ source: 'package', in_workspace: true })
    const { entries, state } = await upgrade.run(workspace.context, {})
    expect(state).toBe('nothing')
    expect(entries).toContainEqual({ relative_path: LOOP, disposition: 'unchanged' })
  })

  it('is refused where the workspace has an edited one, and there nothing changes', async () => {
    await localised('execution.standard')
    fs.appendFileSync(workspace.at(LOOP), '\n')
    expect((await upgrade.run(workspace.context, {})).entries).toContainEqual({
      relative_path: LOOP,
      disposition: 'local_only_modification',
    })
    const edited = fs.readFileSync(workspace.at(LOOP), 'utf8')
    await expect(localised('execution.standard')).rejects.toMatchObject({ code: 'asset_localised', exitStatus: 3 })
    expect(fs.readFileSync(workspace.at(LOOP), 'utf8')).toBe(edited)
  })

  it('says so where there is nothing to do, or nothing to copy', async () => {
    expect(await localised('builder-core')).toMatchObject({ applied: false, state: 'refused' })
    fs.writeFileSync(workspace.at('modes/own.json'), '{}')
    await expect(localised('modes/own.json')).rejects.toMatchObject({ code: 'asset_localised' })
  })

  it('brings a whole skill, with what belongs to it', async () => {
    const packageRoot = path.join(workspace.root, 'package', 'assets')
    fs.cpSync(workspace.context.packageRoot, packageRoot, { recursive: true })
    const folder = 'skills/stage/execution/builder-core'
    fs.writeFileSync(path.join(packageRoot, folder, 'count.sh'), Buffer.from([0x23, 0xff]), { mode: 0o755 })
    fs.rmSync(workspace.at(folder), { recursive: true })
    const context = { ...workspace.context, packageRoot }
    await assetsLocalise.run(context, { asset_id: 'builder-core' })
    expect(fs.readdirSync(workspace.at(folder)).sort()).toEqual(['SKILL.md', 'count.sh'])
    expect(fs.readFileSync(workspace.at(folder, 'count.sh'))).toEqual(Buffer.from([0x23, 0xff]))
    expect(fs.statSync(workspace.at(folder, 'count.sh')).mode & 0o100).toBe(0o100)
  })

  it('can be previewed', async () => {
    const context = { ...workspace.context, dryRun: true }
    const shown = await assetsLocalise.run(context, { asset_id: 'execution.standard' })
    expect(shown).toMatchObject({ state: 'preview', would: [`write ${LOOP}`, 'write state/baseline_manifest.json'] })
    expect(fs.existsSync(workspace.at(LOOP))).toBe(false)
  })
})
