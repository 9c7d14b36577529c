/** How the making of a workspace reads. */
import type { InitOutput } from '../../operations/workspace.ts'
import type { Look } from '../look.ts'

export function init(output: InitOutput, look: Look): string {
  if (!look.terminal) {
    return [
      look.field('workspace', output.workspace),
      look.field('initialized', output.initialized),
      ...output.created.map((path) => look.field('created', path)),
    ].join('\n')
  }
  const { paint } = look
  if (output.created.length === 0)
    return `${paint.green('✓')} ${look.safe(output.workspace)} is a Millrace workspace already; nothing was missing.`
  return [
    `${paint.green('✓')} ${look.safe(output.workspace)} is a Millrace workspace.`,
    `  created in millrace-agents/: ${foldersOf(output.created).join(', ')}`,
    paint.dim('  git ignores that folder; its .gitignore says how to version the work documents all the same'),
    '',
    'Next:',
    `  ${paint.bold('millrace add-task "What is to be done"')}`,
    `  ${paint.bold('millrace run daemon')}`,
  ].join('\n')
}

/** First parts of the paths with how many entries were created below each. */
function foldersOf(created: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const path of created) {
    const [first, ...rest] = path.split('/')
    const name = rest.length > 0 ? `${first}/` : first!
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return [...counts].map(([name, count]) => (count > 1 ? `${name} (${count})` : name))
}
