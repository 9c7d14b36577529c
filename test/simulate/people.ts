/** The operator, and everybody else who has the folders open: what they post, drop, move, edit and spoil. */
import * as path from 'node:path'
import type { ItemKind, ItemState } from '../../src/core/item.ts'
import { AT, itemFile } from '../../src/store/layout.ts'
import { archived, post, withdraw } from '../../src/store/mailbox.ts'
import { documentText } from '../rig/documents.ts'
import type { Action } from './actions.ts'
import { SHORT, SIDE_BY_SIDE } from './agents.ts'
import { placesOfItems } from './items.ts'
import { TELLING } from './notices.ts'
import type { World } from './world.ts'

type Of<Kind extends Action['do']> = Extract<Action, { do: Kind }>

/** A command somebody was told is on its way. */
export interface Posted {
  id: string
  /** `<kind> <id>` of the item it adds, if it is carried out. */
  adds: string | null
  isWithdrawn: boolean
}

interface Wish {
  command: string
  payload: Record<string, unknown>
  adds: string | null
  /** Of the text in it. */
  number?: number
}

const isRecord = (name: string): boolean => name.endsWith('.json') && !name.startsWith('.')

export class People {
  readonly posted: Posted[] = []
  private readonly world: World
  /** Documents of which only the first half is written yet. */
  private halves: { file: string; text: string }[] = []

  constructor(world: World) {
    this.world = world
  }

  /** Posts a command as another process does. */
  async command(form: Of<'command'>['form'], item: number): Promise<void> {
    const wish = this.wish(form, item)
    const { disk, places, clock } = this.world
    const id = await post(disk, places, clock, wish.command, wish.payload, 'person')
    // A machine that went down meanwhile has told nobody anything.
    if (this.world.disk === disk) this.isAcknowledged(id, wish)
  }

  isAcknowledged(id: string, { adds, number }: Pick<Wish, 'adds' | 'number'>): void {
    this.posted.push({ id, adds, isWithdrawn: false })
    if (number !== undefined) this.world.texts.keep(number, `what ${id} brought`)
  }

  wish(form: Of<'command'>['form'], item: number): Wish {
    const id = `item-${item}`
    const run = this.world.agents.running[0]?.request.run_id ?? 'run-none'
    switch (form) {
      case 'add_task':
      case 'add_spec': {
        const kind = form === 'add_task' ? 'task' : 'spec'
        const { begin, end, number } = this.world.texts.markOnly()
        const waits = kind === 'task' && item % 2 === 1 ? { depends_on: [`item-${item - 1}`] } : {}
        const text = documentText(kind, id, { title: begin, ...waits }, `\n${begin} A note. ${end}\n`)
        return { command: form, payload: { text }, adds: `${kind} ${id}`, number }
      }
      case 'add_idea':
        return {
          command: form,
          payload: { source_name: `idea-${item}.md`, markdown: `# Idea ${item}\n\nA wish.\n` },
          adds: null,
        }
      case 'requeue':
        return { command: 'clear_stale_state', payload: { requeue: true }, adds: null }
      case 'cancel_run':
        return { command: form, payload: { run_id: run }, adds: null }
      case 'supersede_task': {
        const cascade = ['none', 'retarget', 'cancel'][item % 3]
        const payload = { work_item_id: id, replacement: `item-${(item + 1) % 6}`, reason: 'better', cascade }
        return { command: form, payload, adds: null }
      }
      case 'reorder_queue':
        return {
          command: form,
          payload: { work_item_ids: [id], work_item_kind: 'task', place: item % 2 === 0 ? 'first' : 'last' },
          adds: null,
        }
      case 'set_config':
        return { command: form, payload: { key: 'recovery.max_fix_cycles', value: String(1 + (item % 3)) }, adds: null }
      case 'approve_execution_capability':
      case 'deny_execution_capability': {
        const asked = (this.world.disk.list(this.world.places.at(AT.pendingApprovals)) ?? []).filter(isRecord)
        const approval_id = asked[item % Math.max(1, asked.length)]?.replace(/\.json$/, '') ?? 'approval-none'
        return { command: form, payload: { approval_id }, adds: null }
      }
      case 'retry_work_item':
      case 'cancel_work_item':
      case 'quarantine_work_item':
      case 'release_work_item':
        return {
          command: form,
          payload: { work_item_id: id, work_item_kind: item % 2 === 0 ? 'task' : 'spec' },
          adds: null,
        }
      case 'unknown':
        return { command: 'no_such_command', payload: {}, adds: null }
      case 'senseless':
        return { command: 'add_task', payload: { document: { task_id: '../../etc', title: 7 } }, adds: null }
      case 'no command':
        return { command: 'toString', payload: { [`__proto__${item}`]: { constructor: null } }, adds: null }
      default:
        return { command: form, payload: {}, adds: null }
    }
  }

  async withdraw(): Promise<void> {
    const { disk, places } = this.world
    const last = this.posted.findLast((one) => !one.isWithdrawn && archived(disk, places, one.id) === null)
    if (!last) return
    const bytes = disk.read(places.at(`${AT.incoming}/${last.id}.json`))
    if (!(await withdraw(disk, places, last.id))) return
    last.isWithdrawn = true
    this.world.texts.replace(bytes)
  }

  drop({ form, kind, state, item, isFlushed }: Of<'drop'>): void {
    const { world } = this
    const id = `item-${item}`
    const key = `${kind} ${id}`
    const file = world.places.at(itemFile(kind, id, state))
    // One that a command is just bringing is as good as there.
    const isOnItsWay = this.posted.some(({ adds, isWithdrawn }) => adds === key && !isWithdrawn)
    const isElsewhere =
      isOnItsWay || placesOfItems(world.disk, world.places).some((place) => place.kind === kind && place.id === id)
    const isGood = form === 'good' || form === 'depends'
    world.disk.makeFolder(path.dirname(file))
    if (!isGood || isElsewhere || !isFlushed) world.items.touch(key)
    world.texts.replace(world.disk.read(file))
    if (form === 'half') {
      const text = documentText(kind, id)
      this.halves.push({ file, text })
      world.disk.write(file, text.slice(0, text.length >> 1))
      return
    }
    if (form === 'empty') {
      this.save(file, '', isFlushed)
      return
    }
    const { begin, end } = world.texts.mark(`${form} ${key} dropped as ${state}`, isFlushed)
    const fields = {
      ...(form === 'depends' && kind === 'task' ? { depends_on: [`item-${(item + 1) % 6}`] } : {}),
      ...(kind === 'spec' && item % 2 === 0 ? { root_spec_id: id, root_idea_id: id } : {}),
    }
    const text = documentText(
      kind,
      form === 'wrong name' ? 'another' : id,
      { title: begin, ...fields },
      `\n${begin} ${end}\n`,
    )
    const texts: Partial<Record<typeof form, string | Uint8Array>> = {
      malformed: `# ${begin}\n\nNot what it should be. ${end}\n`,
      'not text': Buffer.concat([Buffer.from(begin), Buffer.from([0xff, 0xfe, 0]), Buffer.from(end)]),
    }
    this.save(file, texts[form] ?? text, isFlushed)
    if (isGood && isFlushed) world.items.expect(key)
  }

  complete(): void {
    for (const { file, text } of this.halves.splice(0)) {
      this.world.texts.replace(this.world.disk.read(file))
      this.save(file, text, true)
    }
  }

  hand({ form, which, state, isFlushed }: Of<'hand'>): void {
    const { world } = this
    const all = placesOfItems(world.disk, world.places)
    const place = all[which % Math.max(1, all.length)]
    if (!place) return
    const file = world.places.at(place.file)
    const bytes = world.disk.read(file)!
    const key = `${place.kind} ${place.id}`
    const to = world.places.at(itemFile(place.kind, place.id, state))
    if (form !== 'edit' && form !== 'save') world.items.touch(key)
    if (!isFlushed) world.items.touch(key)
    switch (form) {
      case 'edit':
      case 'save': {
        // An editor that writes the file anew, or one that puts a new file in its place.
        const { begin, end } = world.texts.mark(`an edit of ${key} while ${place.state}`, isFlushed)
        const edited = Buffer.concat([bytes, Buffer.from(`\n${begin} Also this. ${end}\n`)])
        if (!isFlushed) world.texts.loosen(bytes)
        if (form === 'edit') {
          this.save(file, edited, isFlushed)
          return
        }
        this.save(`${file}~`, edited, isFlushed)
        world.disk.rename(`${file}~`, file)
        if (isFlushed) void world.disk.flush([path.dirname(file)])
        return
      }
      case 'move':
        if (to === file || world.disk.stat(to) !== null) return
        world.texts.loosen(bytes)
        world.disk.makeFolder(path.dirname(to))
        world.disk.rename(file, to)
        return
      case 'delete':
        world.texts.replace(bytes)
        world.disk.unlink(file)
        return
      case 'copy':
        if (to === file || world.disk.stat(to) !== null) return
        this.save(to, bytes, isFlushed)
        return
      case 'rename': {
        const other = path.join(path.dirname(file), `renamed-${which}.md`)
        if (world.disk.stat(other) !== null) return
        world.texts.loosen(bytes)
        world.disk.rename(file, other)
        return
      }
      case 'spoil':
        world.texts.replace(bytes)
        this.save(file, 'Nothing to see.\n', isFlushed)
        return
    }
  }

  idea({ item, isBlank }: Of<'idea'>): void {
    const file = path.join(this.world.places.root, 'ideas', 'inbox', `idea-${item}.md`)
    this.world.texts.replace(this.world.disk.read(file))
    if (isBlank) {
      this.save(file, ' \n', false)
      return
    }
    const { begin, end } = this.world.texts.mark(`idea ${item}`, false)
    this.save(file, `# ${begin}\n\nA wish. ${end}\n`, false)
  }

  config({ form }: Of<'config'>): void {
    const file = this.world.places.at(AT.config)
    const { disk } = this.world
    if (form === 'gone') {
      if (disk.stat(file) !== null) disk.unlink(file)
      return
    }
    this.save(file, CONFIGS[form], true)
  }

  /** Puts back a config that works. */
  mend(): void {
    this.save(this.world.places.at(AT.config), CONFIGS.good, true)
  }

  log(form: Of<'log'>['form']): void {
    const { disk, places } = this.world
    const file = places.at(AT.events)
    const bytes = disk.read(file)
    if (bytes === null) return
    if (form === 'note' || form === 'half a line') {
      const { begin, end } = this.world.texts.mark('a note in the event log', false)
      disk.append(file, form === 'note' ? `${begin} seen by me ${end}\n` : `${begin} {"schema_version": "1.0" ${end}`)
      return
    }
    this.world.texts.replace(bytes)
    this.world.isLogWhole = false
    if (form === 'cut') disk.truncate(file, bytes.length >> 1)
    else disk.unlink(file)
  }

  state({ form }: Of<'state'>): void {
    const { disk, places } = this.world
    const status = places.at('state/execution_status.md')
    switch (form) {
      case 'counters':
        this.world.spoil(places.at(AT.counters))
        return
      case 'snapshot':
        this.world.spoil(places.at(AT.snapshot))
        return
      case 'status':
        disk.write(status, '### SOMETHING\nby hand\n')
        return
      case 'no status':
        if (disk.stat(status) !== null) disk.unlink(status)
        return
      case 'reformat':
        this.world.spoil(places.at(AT.counters), (text) => `${text} \n`)
        return
    }
  }

  private save(file: string, bytes: string | Uint8Array, isFlushed: boolean): void {
    const { disk } = this.world
    disk.makeFolder(path.dirname(file))
    disk.write(file, bytes)
    // What a simulated disk flushes it flushes at once.
    if (!isFlushed) return
    const folders = [path.dirname(file)]
    while (folders[0] !== this.world.places.root) folders.unshift(path.dirname(folders[0]!))
    void disk.flush([file, ...folders])
  }
}

const BASE = '[auto_recovery]\ncooldown_seconds = [30, 120]\n[runtime]\nidle_sleep_seconds = 5\n'
export const CONFIGS: Readonly<Record<Exclude<Of<'config'>['form'], 'gone'>, string>> = {
  good: BASE,
  asking: `${BASE}[stages.checker]\nrequired_capabilities = ["git.mutate"]\n[stages.arbiter]\nrequired_capabilities = ["shell.run", "package.install"]\n${TELLING}`,
  kill: `${BASE}on_restart = "kill"\n`,
  tight: `${BASE}[recovery]\nmax_fix_cycles = 1\nmax_troubleshoot_attempts_before_consult = 1\nmax_mechanic_attempts = 1\n[stages.builder]\ntimeout_seconds = 60\n`,
  'side by side': `${BASE}default_mode = "${SIDE_BY_SIDE}"\n`,
  short: `${BASE}default_mode = "${SHORT}"\n`,
  telling: `${BASE}${TELLING}`,
  invalid: `${BASE}[recovery]\nmax_fix_cycle = 1\n`,
  'no toml': '[runtime\n',
}

export type { ItemKind, ItemState }
