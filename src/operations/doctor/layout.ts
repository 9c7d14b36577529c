/** Checks of the runtime root: folders and files that belong there, what is left of older versions, room on the disk. */
import { MillraceError } from '../../core/errors.ts'
import { readManifest } from '../../store/baseline.ts'
import { isTemporary } from '../../store/file-operation/temporary.ts'
import { filesBelow } from '../../store/files-below.ts'
import { AT, statusFile, WORKSPACE_FOLDERS } from '../../store/layout.ts'
import type { Finding } from '../schemas/doctor.ts'
import { type Examination, error, named, remark, warning } from './examination.ts'

const MEND = 'create what is missing with `millrace doctor --fix --apply`'
const FILES = [
  ...['outline.md', 'historylog.md', AT.snapshot, AT.counters],
  ...['execution', 'planning'].map((plane) => statusFile(plane)),
]

export function checkFolders(exam: Examination): Finding[] {
  const { files, places } = exam
  const remedy = MEND
  const root = files.stat(places.runtime)
  if (root === null) {
    const init = `create one with: millrace init --workspace ${places.root}`
    return [
      error('missing_directory', {
        path: named(exam, ''),
        message: 'There is no Millrace workspace here.',
        remedy: init,
      }),
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
  const remedy = MEND
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
  try {
    const manifest = readManifest(files, places)
    if (manifest === null) {
      const message = 'It is not known which prompts, skills and documents were deployed.'
      return [error('baseline_manifest_missing', { path, message, remedy })]
    }
    return manifest.entries
      .filter((entry) => files.stat(places.at(entry.relative_path)) === null)
      .map((entry) =>
        remark('baseline_manifest_managed_file_missing', {
          path: named(exam, entry.relative_path),
          message: 'The deployed copy is gone; that of the package is used.',
          remedy,
        }),
      )
  } catch (cause) {
    if (!MillraceError.is(cause)) throw cause
    return [error('baseline_manifest_invalid', { path, message: cause.message, remedy: cause.hint ?? null })]
  }
}

/** A write takes milliseconds; what is older was left by somebody who was killed. */
const ORPHANED_AFTER_MS = 60_000
const FOUND_MAX = 100

/** Halves of files, relative to the runtime root. Run folders are the business of whoever cleans up runs. */
export function orphanedTemporaries({ files, places, now }: Examination): string[] {
  const written = [AT.logs, ...WORKSPACE_FOLDERS.filter((folder) => folder !== AT.runs)].flatMap(upwards)
  const deployed = ['entrypoints', 'skills', 'docs'].flatMap((family) =>
    filesBelow(files, places.at(family)).flatMap((file) =>
      upwards(`${family}/${file.split('/').slice(0, -1).join('/')}`),
    ),
  )
  return [...new Set(['.', ...written, ...deployed])]
    .flatMap((folder) =>
      (files.list(places.at(folder)) ?? [])
        .filter((name) => isTemporary(name))
        .map((name) => (folder === '.' ? name : `${folder}/${name}`)),
    )
    .filter(
      (file) => now.getTime() - (files.stat(places.at(file))?.mtimeMs ?? Number.POSITIVE_INFINITY) > ORPHANED_AFTER_MS,
    )
    .sort()
    .slice(0, FOUND_MAX)
}

/** A folder and those above it. */
function upwards(folder: string): string[] {
  const parts = folder.split('/').filter((part) => part !== '')
  return parts.map((_, at) => parts.slice(0, at + 1).join('/'))
}

export function checkTemporaries(exam: Examination): Finding[] {
  return orphanedTemporaries(exam).map((file) =>
    remark('orphaned_temporary_file', {
      path: named(exam, file),
      message: 'Half of a file, left by a process that was killed while it wrote it.',
      remedy: 'remove it',
    }),
  )
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

/** `freeable`: how many bytes removing what may go would free; asked only where there is too little room. */
export async function checkDisk({ files, places }: Examination, freeable: () => Promise<number>): Promise<Finding[]> {
  if (files.stat(places.root) === null) return []
  const free = files.freeBytes(places.root)
  if (free >= FREE_BYTES_LOW) return []
  const helps = Math.floor((await freeable()) / MEBIBYTE)
  const said = {
    path: '.',
    message: `Only ${Math.floor(free / MEBIBYTE)} MiB are free on the disk of the workspace.`,
    remedy: `make room; agents and their logs need it${helps === 0 ? '' : `. \`millrace gc --apply\` frees ${helps} MiB`}`,
  }
  return [free < FREE_BYTES_MIN ? error('disk_almost_full', said) : warning('disk_low', said)]
}
