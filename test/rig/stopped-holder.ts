/**
 * A holder in a pid namespace nobody can look into, which stops itself (SIGSTOP) in the middle of a transaction: right
 * before one of the calls that change something, and after the guard was asked for it. Woken, it goes on.
 *   node stopped-holder.mjs WORKSPACE CALL      exit: 0 the transaction was made, 4 it was told that it lost the lock
 */
import * as fs from 'node:fs'
import { MillraceError } from '../../src/core/errors.ts'
import { processIdentity } from '../../src/runners/process.ts'
import { disk, type Files } from '../../src/store/files.ts'
import { Workspace } from '../../src/store/workspace.ts'
import { later } from './story.ts'
import { oldTransaction } from './succession.ts'

const [root = '', call = '1'] = process.argv.slice(2)
let calls = Number.NEGATIVE_INFINITY

function stopAt(operation: string, file: string): void {
  calls += 1
  if (calls !== Number(call)) return
  fs.writeSync(1, `${operation} ${file}\n`)
  process.kill(process.pid, 'SIGSTOP')
  // The signal may reach another thread of this process first.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
}

const stopping = <Rest extends unknown[]>(operation: string, change: (file: string, ...rest: Rest) => void) => {
  return (file: string, ...rest: Rest): void => {
    stopAt(operation, file)
    change(file, ...rest)
  }
}

const files: Files = {
  ...disk,
  write: stopping('write', disk.write),
  append: stopping('append', disk.append),
  rename: stopping('rename', disk.rename),
  link: stopping('link', disk.link),
  unlink: stopping('unlink', disk.unlink),
}
const self = () => ({ ...processIdentity.self(), pidNamespace: 'pid:[1]' })
const onFatal = (error: Error): never => {
  throw error
}
const workspace = await Workspace.open({ files, clock: later, processes: { ...processIdentity, self } }, root, {
  onFatal,
})
try {
  calls = 0
  await workspace.commit(oldTransaction(workspace.view()))
  workspace.lock.guard()
  fs.writeSync(1, 'made\n')
} catch (error) {
  if (!MillraceError.is(error) || error.code !== 'lock_lost') throw error
  fs.writeSync(2, `${error.message}\n`)
  process.exitCode = 4
}
