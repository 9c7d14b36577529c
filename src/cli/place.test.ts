import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { disk } from '../store/files.ts'
import { findPlace } from './place.ts'

const top = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-place-')))
afterAll(() => fs.rmSync(top, { recursive: true, force: true }))

const workspace = path.join(top, 'project')
const inside = path.join(workspace, 'src', 'deep')
const other = path.join(top, 'other')
for (const folder of [path.join(workspace, 'millrace-agents'), inside, other]) fs.mkdirSync(folder, { recursive: true })
fs.writeFileSync(path.join(top, 'file'), '')

const none = { workspace: undefined, config: undefined }
const find = (given: Partial<typeof none> | { workspace?: string; config?: string }, cwd: string, environment = {}) =>
  findPlace(disk, { ...none, ...given }, environment, cwd)

describe('finding the workspace', () => {
  it('takes the folder at hand where there is nothing else', () => {
    expect(find({}, other)).toEqual({ root: other, found: 'here' })
  })

  it('takes the nearest folder above that has a runtime root, and says that it lies above', () => {
    expect(find({}, inside)).toEqual({ root: workspace, found: 'above' })
    expect(find({}, path.join(workspace, 'millrace-agents'))).toEqual({ root: workspace, found: 'above' })
    expect(find({}, workspace)).toEqual({ root: workspace, found: 'here' })
  })

  it('lets the environment name it, and the option win over the environment', () => {
    const environment = { MILLRACE_WORKSPACE: other }
    expect(find({}, inside, environment)).toEqual({ root: other, found: 'named' })
    expect(find({ workspace: '.' }, inside, environment)).toEqual({ root: inside, found: 'named' })
    expect(find({}, inside, { MILLRACE_WORKSPACE: ' ' }).root).toBe(workspace)
  })

  it('takes the config file of a workspace for the workspace, inside its runtime root or beside it', () => {
    expect(find({ config: '../project/millrace-agents/millrace.toml' }, other).root).toBe(workspace)
    expect(find({ config: path.join(workspace, 'millrace.toml') }, other).root).toBe(workspace)
  })

  it('refuses a config file of another name, and two different workspaces', () => {
    expect(() => find({ config: 'my.toml' }, other)).toThrow('by its millrace.toml')
    expect(() => find({ config: path.join(workspace, 'millrace.toml'), workspace: other }, top)).toThrow('--config')
  })

  it('refuses a file where a folder belongs, and leaves a folder that is not there to the command', () => {
    expect(() => find({ workspace: path.join(top, 'file') }, other)).toThrow('is none')
    expect(find({ workspace: path.join(top, 'absent') }, other).root).toBe(path.join(top, 'absent'))
  })
})
