/** Checks of the runtime root: folders and files that belong there, what is left of older versions, room on the disk. */
import { readText } from '../../store/files.ts'
import { filesBelow } from '../../store/files-below.ts'
import { AT, WORKSPACE_FOLDERS } from '../../store/layout.ts'
import type { Finding } from '../schemas/doctor.ts'
import { type Examination, error, named, remark, warning } from './examination.ts'

const FILES = ['outline.md', 'historylog.md', AT.snapshot, AT.counters]

export function checkFolders(exam: Examination): Finding[] {
  const { files, places } = exam
  const remedy = `create what is missing with: millrace init --workspace ${places.root}`
  const root = files.stat(places.runtime)
  if (root === null) {
    return [
      error('missing_directory', { path: named(exam, ''), message: 'There is no Millrace workspace here.', remedy }),
    ]
  }
  return WORKSPACE_FOLDERS.flatMap((folder) => {
    const stat = files.stat(places.at(folder))
    const path = named(exam, folder)
    if (stat === null) return [error('missing_directory', { path, message: 'The folder is missing.', remedy })]
    if (stat.kind !== 'directory') {
      const message = `The folder is a ${stat.kind}; the runtime moves files between real folders only.`
      return [error('missing_directory', { path, message, remedy: 'put a folder of its own there' })]
    }
    if (root.kind === 'directory' && stat.device !== root.device) {
      const message =
        'The folder lies on another device than the runtime root; files cannot be moved there in one step.'
      return [error('missing_directory', { path, message, remedy: 'move it to the device of the workspace' })]
    }
    return []
  })
}

export function checkFiles(exam: Examination): Finding[] {
  const { files, places } = exam
  const remedy = `create what is missing with: millrace init --workspace ${places.root}`
  const absent = FILES.filter((file) => files.stat(places.at(file)) === null)
  return [
    ...absent.map((file) =>
      error('missing_file', { path: named(exam, file), message: 'The file is missing.', remedy }),
    ),
    ...(files.stat(places.at(AT.config)) === null
      ? [
          warning('missing_file', {
            path: named(exam, AT.config),
            message: 'There is no config; every key has its default.',
            remedy,
          }),
        ]
      : []),
    ...checkBaseline(exam, remedy),
  ]
}

/** Deployed prompts and skills. One that is gone is taken from the package, so that is no trouble. */
function checkBaseline(exam: Examination, remedy: string): Finding[] {
  const { files, places } = exam
  const path = named(exam, AT.baseline)
  let entries: { relative_path: string }[]
  try {
    const text = readText(files, places.at(AT.baseline))
    if (text === null) {
      return [
        error('baseline_manifest_missing', {
          path,
          message: 'It is not known which prompts and skills were deployed.',
          remedy,
        }),
      ]
    }
    entries = (JSON.parse(text) as { entries: { relative_path: string }[] }).entries
    return entries
      .filter((entry) => files.stat(places.at(entry.relative_path)) === null)
      .map((entry) =>
        remark('baseline_manifest_managed_file_missing', {
          path: named(exam, entry.relative_path),
          message: 'The deployed copy is gone; that of the package is used.',
          remedy,
        }),
      )
  } catch (cause) {
    const message = `The manifest of deployed files cannot be read: ${(cause as Error).message}.`
    return [error('baseline_manifest_invalid', { path, message, remedy: 'remove the file, then run `millrace init`' })]
  }
}

/** Files a person had edited while the runtime wrote them were kept beside; somebody should look at them. */
const KEPT = /\.conflict-\d+/

export function checkLeftovers(exam: Examination): Finding[] {
  const { files, places } = exam
  const kept = ['state', AT.targets].flatMap((folder) =>
    (files.list(places.at(folder)) ?? []).filter((name) => KEPT.test(name)).map((name) => `${folder}/${name}`),
  )
  return [
    ...kept.map((file) =>
      warning('foreign_edit_kept', {
        path: named(exam, file),
        message: 'Somebody edited a file the runtime was writing; their version was kept here.',
        remedy: 'compare it with the file in force, then remove it',
      }),
    ),
    ...(filesBelow(files, places.at('loops')).length === 0
      ? []
      : [
          remark('legacy_loops_ignored', {
            path: named(exam, 'loops'),
            message: 'The old loops/ folder is not read; loops lie in graphs/.',
            remedy: 'move your loops to graphs/<lane>/, in the form `millrace compile validate` explains',
          }),
        ]),
  ]
}

const FREE_BYTES_MIN = 100 * 1024 * 1024
const FREE_BYTES_LOW = 1024 * 1024 * 1024
const MEBIBYTE = 1024 * 1024

export function checkDisk({ files, places }: Examination): Finding[] {
  if (files.stat(places.root) === null) return []
  const free = files.freeBytes(places.root)
  if (free >= FREE_BYTES_LOW) return []
  const said = {
    path: '.',
    message: `Only ${Math.floor(free / MEBIBYTE)} MiB are free on the disk of the workspace.`,
    remedy: 'make room; agents and their logs need it',
  }
  return [free < FREE_BYTES_MIN ? error('disk_almost_full', said) : warning('disk_low', said)]
}
