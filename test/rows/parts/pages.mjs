/** The documents that come with the package, as `millrace docs` prints them. */
import assert from 'node:assert/strict'
import { run, succeeded } from './commands.mjs'

/** The text of a document; it must be there and say something. */
export async function page(topic) {
  const { stdout } = succeeded(await run('millrace', ['docs', topic]), `millrace docs ${topic}`)
  assert.match(stdout, /^# \S/, `${topic} has no heading`)
  assert.ok(stdout.length > PAGE_CHARS_MIN, `${topic} says next to nothing`)
  return stdout
}

const PAGE_CHARS_MIN = 800

/** What a page names as a command, without `millrace`: set as code, or a line of a block of commands. */
export function commandsOn(text) {
  const lines = [...text.matchAll(/^```bash.*\n([\s\S]*?)^```/gm)].flatMap(([, block]) => block.split('\n'))
  const inline = [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/`(millrace [^`\n]+)`/g)].map(([, one]) => one)
  return [...lines, ...inline]
    .map((line) => line.replace(/\s+#\s.*$/, '').replace(/\s[|>&].*$/, ''))
    .flatMap((line) => /^millrace (.+)$/.exec(line.trim())?.[1] ?? [])
}

/** Every verb there is, by its canonical spelling, as the installed command tells it. */
export async function verbs() {
  const { schemas } = succeeded(await run('millrace', ['schema', '--json']), 'millrace schema').json
  return schemas.filter((name) => name !== 'error' && name !== 'help' && !name.startsWith('document.'))
}

/** The first cells of the tables of a page that are code. */
export const namesIn = (text) => [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name)
