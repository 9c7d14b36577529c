// What one transaction costs without Millrace: the same record, writes, renames and three flush rounds, as a careful
// person would write them by hand. No check of what is there, no lock, no recovery.
import * as fs from 'node:fs'
import path from 'node:path'

/** Makes files and folders durable: one flush round. */
function flush(paths) {
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

/** `steps`: put(path, text), move(from, to), append(path, text), paths absolute; `record` is written to `journal` first. */
export async function bareTransaction(journal, record, steps) {
  const folder = path.dirname(journal)
  fs.writeFileSync(journal, record)
  await flush(new Set([journal, folder]))
  const touched = new Set()
  for (const step of steps) {
    const target = step.path ?? step.to
    touched.add(target).add(path.dirname(target))
    if (step.op === 'put') {
      fs.writeFileSync(`${target}.tmp`, step.text)
      fs.renameSync(`${target}.tmp`, target)
    } else if (step.op === 'append') {
      fs.appendFileSync(target, step.text)
    } else {
      fs.linkSync(step.from, target)
      fs.unlinkSync(step.from)
      touched.add(path.dirname(step.from))
    }
  }
  await flush(touched)
  fs.unlinkSync(journal)
  await flush(new Set([folder]))
}
