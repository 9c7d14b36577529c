/** How the answers about the daemon's process read. */
import type { DaemonStartOutput, DaemonStopOutput } from '../../operations/daemon/daemon.ts'
import type { DaemonUnitOutput } from '../../operations/daemon/install.ts'
import type { DaemonStatusOutput } from '../../operations/daemon/status.ts'
import type { DaemonLogEnd } from '../../operations/schemas/daemon.ts'
import type { Look } from '../look.ts'
import { duration } from '../time.ts'
import { carryOut } from './control.ts'

export function start(output: DaemonStartOutput, look: Look): string {
  const { paint, field, terminal } = look
  if (!terminal) {
    return [
      field('workspace', output.workspace),
      field('state', output.state),
      field('pid', output.pid),
      field('log_path', output.log_path),
      ...(output.interrupted ? [field('interrupted', true)] : []),
    ].join('\n')
  }
  const isReady = output.state === 'ready'
  const mark = isReady ? paint.green('✓') : paint.yellow('…')
  return `${mark} daemon ${isReady ? 'at work' : 'starting'}: process ${output.pid}\n  ${paint.dim('millrace daemon logs --follow · millrace status · millrace daemon stop')}`
}

export function stop(output: DaemonStopOutput, look: Look): string {
  const { paint, field, safe, terminal } = look
  if (terminal) {
    const mark = {
      stopped: paint.green('✓'),
      not_running: paint.dim('·'),
      queued: paint.yellow('…'),
      preview: paint.yellow('would be:'),
    }[output.state]
    const then = output.state_id === null ? '' : `\n${paint.dim(carryOut(output.state_id))}`
    return `${mark} ${safe(output.detail)}${then}`
  }
  return [
    field('workspace', output.workspace),
    field('state', output.state),
    field('mode', output.mode),
    field('applied', output.applied),
    field('detail', output.detail),
    field('pid', output.pid),
    ...(output.state_id === null ? [] : [field('state_id', output.state_id)]),
  ].join('\n')
}

const MIB = 1024 * 1024

export function status(output: DaemonStatusOutput, look: Look): string {
  const { paint, field, safe, terminal } = look
  if (!terminal) {
    return [
      field('workspace', output.workspace),
      field('running', output.running),
      field('pid', output.pid),
      field('host', output.host),
      field('since', output.since),
      field('uptime_seconds', output.uptime_seconds),
      field('memory_bytes', output.memory_bytes),
      field('cpu_seconds', output.cpu_seconds),
      field('lock', output.lock),
      field('lock_detail', output.lock_detail),
      field('log_path', output.log_path),
      field('log_bytes', output.log_bytes),
      field('version', output.version),
      ...output.installed.map(({ system, path }) => field('installed', `${system} ${path}`)),
    ].join('\n')
  }
  const uses = [
    ...(output.uptime_seconds === null ? [] : [`for ${duration(output.uptime_seconds)}`]),
    ...(output.memory_bytes === null ? [] : [`${Math.round(output.memory_bytes / MIB)} MiB`]),
    ...(output.cpu_seconds === null ? [] : [`${output.cpu_seconds} s of CPU`]),
  ]
  const head = output.running
    ? `${paint.green('●')} process ${output.pid} on ${safe(output.host ?? '')} ${paint.dim(uses.join(' · '))}`
    : `${paint.dim('○')} ${safe(output.lock_detail)}`
  return [
    head,
    `  ${field('workspace', safe(output.workspace))}`,
    `  ${field('log', safe(output.log_path))}`,
    ...output.installed.map(({ system, path }) => `  ${field(system, safe(path))}`),
    `  ${field('version', output.version)}`,
  ].join('\n')
}

export function logs(record: { line: string } | DaemonLogEnd, look: Look): string {
  if ('line' in record) return record.line === '' ? ' ' : look.safe(record.line)
  return ''
}

export function unit(output: DaemonUnitOutput, look: Look): string {
  if (output.text_only) return output.text ?? ''
  return look.terminal ? sheet(output, look) : block(output, look)
}

const block = (output: DaemonUnitOutput, { field }: Look): string =>
  [
    field('system', output.system),
    field('name', output.name),
    field('path', output.path),
    field('found', output.found),
    field('applied', output.applied),
    ...(output.kept_as === null ? [] : [field('kept_as', output.kept_as)]),
    ...output.commands.map((command) => field('command', command)),
    ...(output.text === null ? [] : [field('text', output.text)]),
  ].join('\n')

function sheet(output: DaemonUnitOutput, { paint, safe }: Look): string {
  const { applied, text, found } = output
  const file = safe(output.path)
  const verb = text === null ? ['removed', 'would remove'] : ['wrote', 'would write']
  const gone = text === null && found === 'absent'
  const state =
    gone || (applied && found === 'same' && text !== null)
      ? `${paint.dim('·')} ${gone ? 'there is no' : 'is there already:'} ${file}`
      : `${applied ? paint.green('✓') : paint.yellow('…')} ${applied ? verb[0] : verb[1]} ${file}`
  const edited = found === 'edited' && !applied ? [paint.yellow('  it was edited: only --force goes ahead')] : []
  const kept = output.kept_as === null ? [] : [`  the edited one is kept as ${safe(output.kept_as)}`]
  const next = output.commands.map((command) => `  ${command}`)
  return [
    state,
    ...edited,
    ...kept,
    ...(text === null || applied ? [] : ['', text.trimEnd().split('\n').map(safe).join('\n'), '']),
    ...(applied || gone ? [] : [`Do it with --apply${text === null ? ', after:' : ', then:'}`]),
    ...(applied && next.length > 0 && text !== null ? ['To put it in force:'] : []),
    ...next,
  ].join('\n')
}
