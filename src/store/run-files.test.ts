import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder, write } from '../../test/rig/store.ts'
import { disk } from './files.ts'
import { foreignNames } from './run-files.ts'

const OURS = [
  'transition_history.jsonl',
  'resolved_snapshot.json',
  'runner_stdout.request-1.txt',
  'runner_exit.request-1',
  '.runner_handle.request-1.json.tmp',
  '.resolved_snapshot.json.4.tmp-millrace',
  'working_tree.request-1',
  'skill_revision_evidence.request-1.json',
  'troubleshoot_report.md',
]

function folderWith(...names: string[]): string {
  const root = temporaryFolder()
  const owed = { BUILDER_COMPLETE: [{ path: `${root}/summary.md` }] }
  write(root, 'stage_requests/request-1.json', JSON.stringify({ owed_artifacts_by_outcome: owed }))
  write(root, 'stage_results/request-1.json', JSON.stringify({ artifact_paths: ['shots/one "quoted".png'] }))
  for (const name of names) write(root, name, 'x')
  return root
}
const foreign = (folder: string) => foreignNames(disk, folder, fs.readdirSync(folder)).sort()

test('what the runtime, its runners and the artifacts of the run are called is the run’s own', () => {
  expect(
    foreign(folderWith(...OURS, 'summary.md', 'history/request-0/anything', 'outbox/request-1/task/a.md')),
  ).toEqual([])
})

test('anything else is somebody’s, wherever it resembles ours', () => {
  const theirs = [
    'notes.txt',
    'summary.md.orig',
    'my summary.md',
    'runner stdout.request-1.txt',
    'Stage_results',
    'ummary.md',
  ]
  expect(foreign(folderWith(...OURS, ...theirs))).toEqual(theirs.toSorted())
})

test('bytes that were kept for a person are theirs, and so is what lies among the records', () => {
  const folder = folderWith('resolved_snapshot.json.conflict-7', 'stage_results/request-1.json.conflict-9')
  write(folder, 'stage_requests/copy of request-1.json', '{}')
  expect(foreign(folder)).toEqual([
    'resolved_snapshot.json.conflict-7',
    'stage_requests/copy of request-1.json',
    'stage_results/request-1.json.conflict-9',
  ])
})

test('a record that cannot be read names nothing', () => {
  const folder = folderWith('summary.md')
  fs.writeFileSync(path.join(folder, 'stage_requests/request-1.json'), Buffer.from([0xff, 0xfe]))
  expect(foreign(folder)).toEqual(['summary.md'])
})
