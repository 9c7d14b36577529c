/**
 * What one transaction costs without Millrace: the same record, writes, renames and three flush rounds, as a careful
 * person would write them by hand. No check of what is there, no lock, no recovery.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'

/** Paths are absolute. */
export type Step =
  | { op: 'put'; path: string; text: string }
  | { op: 'append'; path: string; text: string }
  | { op: 'move'; from: string; path: string }

/** Carries out the steps, with `record` made durable in the file `journal` before and removed after. */
export async function bareTransaction(journal: string, record: Uint8Array, steps: readonly Step[]): Promise<void> {
  const folder = path.dirname(journal)
  fs.writeFileSync(journal, record)
  await flush(new Set([journal, folder]))
  const touched = new Set<string>()
  for (const step of steps) {
    touched.add(step.path).add(path.dirname(step.path))
    if (step.op === 'put') {
      fs.writeFileSync(`${step.path}.tmp`, step.text)
      fs.renameSync(`${step.path}.tmp`, step.path)
    } else if (step.op === 'append') {
      fs.appendFileSync(step.path, step.text)
    } else {
      fs.linkSync(step.from, step.path)
      fs.unlinkSync(step.from)
      touched.add(path.dirname(step.from))
    }
  }
  await flush(touched)
  fs.unlinkSync(journal)
  await flush(new Set([folder]))
}

/** One flush round. */
function flush(paths: ReadonlySet<string>): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = paths.size
    for (const file of paths) {
      const descriptor = fs.openSync(file, 'r')
      fs.fsync(descriptor, (error) => {
        fs.closeSync(descriptor)
        if (error) reject(error)
        else if (--left === 0) resolve()
      })
    }
  })
}
