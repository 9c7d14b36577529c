/** Every asset there is, of whichever family: whose copy counts, and copying one of the package into the workspace. */
import { basename, dirname } from 'node:path'
import type { AssetFamilies, AssetFile } from '../../core/assets.ts'
import { MillraceError } from '../../core/errors.ts'
import { didYouMean, nearest } from '../../core/nearest.ts'
import type { InputField, Operation } from '../../core/operation.ts'
import { packagedFile, packagedFiles } from '../../store/baseline.ts'
import { payload } from '../../store/file-operation/file-operation.ts'
import type { CarriedFile } from '../commands/assets.ts'
import { type Context, placesIn, requireWorkspace } from '../context.ts'
import { type Issued, issue } from '../issue.ts'
import type { AssetsLsOutput, AssetsShowOutput } from '../schemas/assets.ts'
import { assetsOf } from './find.ts'

const KINDS = ['mode', 'loop', 'stage_kind', 'entrypoint', 'skill', 'other'] as const
type Kind = (typeof KINDS)[number]

interface Asset {
  kind: Kind
  id: string
  path: string
  source: AssetFile['source']
  /** Whether the workspace has a copy, edited or not. */
  in_workspace: boolean
  in_package: boolean
}

const ID: InputField = {
  name: 'asset_id',
  type: 'text',
  positional: true,
  required: true,
  placeholder: 'ID',
  description: 'Asset, by its id or its path, such as graphs/execution/standard.json.',
}

export const assetsLs: Operation<Context, { kind?: Kind }, AssetsLsOutput> = {
  name: 'assets ls',
  flavour: 'read',
  summary: 'Assets there are, and whose copy of each counts.',
  description:
    'Lists modes, loops, stage kinds, prompts and skills of the package and of the workspace, if there is one. A file of the workspace wins; where it has none, that of the package counts. A copy that nobody edited is still the package’s.',
  input: [
    { name: 'kind', type: 'choice', choices: KINDS, placeholder: 'KIND', description: 'Only those of one kind.' },
  ],
  examples: [
    { command: 'millrace assets', does: 'see what there is, and what is edited here' },
    { command: 'millrace assets ls --kind loop', does: 'see where loops lie' },
  ],
  output: async () => (await import('../schemas.ts')).assetsLsSchema(),
  async run(context, { kind }) {
    return { assets: assetsIn(context).filter((asset) => kind === undefined || asset.kind === kind) }
  },
}

export const assetsShow: Operation<Context, { asset_id: string }, AssetsShowOutput> = {
  name: 'assets show',
  flavour: 'read',
  summary: 'One asset: its text, and whose copy it is.',
  description:
    'Shows the text of an asset as it counts now: that of the workspace, or else that of the package. Piped, what is about it comes first, then the text.',
  input: [ID],
  examples: [{ command: 'millrace assets show execution/builder', does: 'read the prompt of the builder' }],
  output: async () => (await import('../schemas.ts')).assetsShowSchema(),
  async run(context, { asset_id }) {
    const asset = meant(context, asset_id)
    return { ...asset, text: assetsOf(context).files.get(asset.path)?.text ?? '' }
  },
}

export const assetsLocalise: Operation<Context, { asset_id: string }, Issued> = {
  name: 'assets localise',
  flavour: 'change',
  summary: 'Copy an asset of the package into the workspace, to be edited there.',
  description:
    'Copies one mode, loop, stage kind, prompt or skill (with all its files) of the package to the same place below millrace-agents/, where it wins over that of the package from the next compile on. Refused where the workspace has an edited one. `millrace upgrade` refreshes the copy for as long as nobody edits it; to go back to the package, delete it.',
  input: [ID],
  examples: [
    { command: 'millrace assets localise execution.standard', does: 'get the standard loop to edit' },
    { command: 'millrace assets localise default_codex --dry-run', does: 'see which file that would be' },
  ],
  output: async () => (await import('../schemas.ts')).issuedSchema(),
  async run(context, { asset_id }) {
    requireWorkspace(context)
    const asset = meant(context, asset_id)
    if (!asset.in_package)
      throw new MillraceError('asset_localised', `The package has no ${asset.path}; it is the workspace’s own.`, {
        hint: `edit it in ${placesIn(context).at(asset.path)}`,
      })
    const files = filesOf(context, asset)
    return issue(context, 'localise_asset', { id: asset.id, version: context.version, files })
  },
}

function filesOf({ files, packageRoot }: Context, asset: Asset): CarriedFile[] {
  const own = packagedFile(files, packageRoot, asset.path)
  const folder = `${dirname(asset.path)}/`
  const rest =
    asset.kind === 'skill'
      ? packagedFiles(files, packageRoot).filter(
          (one) => one.relative_path.startsWith(folder) && one.relative_path !== asset.path,
        )
      : []
  return [...(own === null ? [] : [own]), ...rest].map(({ relative_path, bytes, mode }) => ({
    path: relative_path,
    mode,
    ...payload(bytes),
  }))
}

/** By kind and id. */
function assetsIn(context: Context): Asset[] {
  const { files, packageRoot } = context
  const places = placesIn(context)
  const { families, ...assets } = assetsOf(context)
  const ids = idsOf(families)
  return [...assets.files.values()]
    .map(({ path, source }) => ({
      ...(ids.get(path) ?? byPath(path)),
      path,
      source,
      in_workspace: files.stat(places.at(path)) !== null,
      in_package: packagedFile(files, packageRoot, path) !== null,
    }))
    .sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || (a.id < b.id ? -1 : 1))
}

type Identity = Pick<Asset, 'kind' | 'id'>

function idsOf({ modes, loops, stageKinds }: AssetFamilies): Map<string, Identity> {
  const of = <T>(kind: Kind, known: ReadonlyMap<string, { file: AssetFile; value: T }>) =>
    [...known].map(([id, { file }]): [string, Identity] => [file.path, { kind, id }])
  return new Map([...of('mode', modes), ...of('loop', loops), ...of('stage_kind', stageKinds)])
}

/** Prompts are known by lane and stage, skills by their folder; what has no id of its own, by its path. */
function byPath(path: string): Identity {
  if (path.startsWith('entrypoints/'))
    return { kind: 'entrypoint', id: path.slice('entrypoints/'.length, -'.md'.length) }
  if (basename(path) === 'SKILL.md') return { kind: 'skill', id: basename(dirname(path)) }
  return { kind: 'other', id: path }
}

/** Throws `asset_unknown`, or `usage` where several go by that id. */
function meant(context: Context, asked: string): Asset {
  const assets = assetsIn(context)
  const wanted = asked.replace(/^\.\//, '').replace(/^millrace-agents\//, '')
  const byItsPath = assets.find((asset) => asset.path === wanted)
  const found = byItsPath === undefined ? assets.filter((asset) => asset.id === wanted) : [byItsPath]
  const [only, ...more] = found
  if (only === undefined) {
    const ids = [...new Set(assets.map((asset) => asset.id))].sort()
    throw new MillraceError('asset_unknown', `There is no asset ${asked}.`, {
      hint: didYouMean(nearest(wanted, ids), 'list them with `millrace assets`'),
    })
  }
  if (more.length === 0) return only
  throw new MillraceError('usage', `${asked} is the id of several assets.`, {
    hint: `name one by its path: ${found.map((asset) => asset.path).join(', ')}`,
  })
}
