/** A typical settle, taken from a real run: what R2 and R3 measure a bare program against, and G4's writer repeats. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import type { Change } from '../src/core/changes.ts'
import { runLoop } from '../src/engine/daemon.ts'
import { hashBytes } from '../src/store/files.ts'
import { decodeRecord } from '../src/store/journal.ts'
import { bareTransaction, type Step } from './bare-transaction.ts'
import { addTasks, inRuntime, newWorkspace, openEngine, taskText, transactions } from './workspace.ts'

/** The program of a stage that does nothing. */
export const noOpStage = (repository: string): string => path.join(repository, 'bench', 'no-op-stage.sh')

/** Stages of the standard loop's longest good road: builder, checker, fixer, doublechecker, updater. */
export const STAGES_PER_TASK = 5

const SAMPLE_TASK = 'task-sample'

export interface SampleSettle {
  /** A workspace in which the run was made; its task is done. */
  root: string
  /** Changes of the settle that ends a run, for another task of id `id`, to be placed in `tasks/active` before. */
  changesFor(id: string): Change[]
}

/** Runs one task to its end and keeps the changes of its last settle. */
export async function sampleSettle(repository: string, folder: string): Promise<SampleSettle> {
  const root = await newWorkspace(repository, folder, noOpStage(repository))
  addTasks(root, [SAMPLE_TASK])
  const { listener, all } = transactions()
  const engine = await openEngine(repository, root, undefined, listener)
  await runLoop(engine, { ticksMax: STAGES_PER_TASK, stopWhenIdle: false })
  await engine.close()
  const settle = all.find((changes) => changes.some((change) => change.change === 'item.move' && change.to === 'done'))
  const put = settle?.find((change) => change.change === 'artifact.put')
  if (settle === undefined || put?.change !== 'artifact.put') throw new Error('the sample task did not come to its end')
  const sampleResult = path.basename(put.file, '.json')
  const text = JSON.stringify(settle)
  return {
    root,
    changesFor(id) {
      const changes = JSON.parse(text.replaceAll(SAMPLE_TASK, id).replaceAll(sampleResult, `request-${id}`)) as Change[]
      const hash = hashBytes(taskText(id))
      return changes.map((change) => (change.change === 'item.move' ? { ...change, hash } : change))
    },
  }
}

/** Does by bare means what a journal record of ours did, in a folder of its own. */
export class BareTransactions {
  readonly #root: string
  /** Makes names of new files differ from one record to the next. */
  #prepared = 0

  constructor(root: string) {
    this.#root = root
    fs.mkdirSync(this.#at('state'), { recursive: true })
  }

  /** Prepares the folder for the operations of a record; gives what is to be timed. */
  prepare(record: Uint8Array): () => Promise<void> {
    this.#prepared += 1
    const steps = decodeRecord(record)!.operations.map((operation): Step => {
      if (operation.op === 'remove' || operation.op === 'discard') throw new Error('a typical settle removes nothing')
      const isNew = operation.op === 'move' || (operation.op === 'put' && operation.expects === null)
      const target = `${this.#at(operation.op === 'move' ? operation.to : operation.path)}${isNew ? `.${this.#prepared}` : ''}`
      fs.mkdirSync(path.dirname(target), { recursive: true })
      const text = operation.content !== null && 'text' in operation.content ? operation.content.text : ''
      if (operation.op === 'put') return { op: 'put', path: target, text }
      if (operation.op === 'append') {
        fs.closeSync(fs.openSync(target, 'a'))
        fs.truncateSync(target, operation.offset)
        return { op: 'append', path: target, text }
      }
      const from = this.#at(operation.from)
      fs.mkdirSync(path.dirname(from), { recursive: true })
      fs.writeFileSync(from, text)
      return { op: 'move', from, path: target }
    })
    return () => bareTransaction(this.#at('state/journal.json'), record, steps)
  }

  #at(relative: string): string {
    return path.join(inRuntime(this.#root, relative))
  }
}
