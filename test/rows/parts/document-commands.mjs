/** The commands of a document, as a reader would type them one after the other. */
import { readFileSync } from 'node:fs'

/**
 * Blocks of ```bash in order: `words` behind the language, and commands `{text, status, isEndless}`: the exit status that a
 * comment `# exit N` names (else 0), and whether one with `Ctrl-C` is to be interrupted.
 */
export function blocksOf(file) {
  const blocks = []
  for (const [, words, text] of readFileSync(file, 'utf8').matchAll(/^```bash *(.*)\n([\s\S]*?)^```$/gm)) {
    const lines = text.replace(/\\\n\s*/g, '').split('\n')
    const commands = lines.filter((line) => /^\s*[^#\s]/.test(line)).map(commandOf)
    blocks.push({ words: words.trim(), commands })
  }
  return blocks
}

const commandOf = (line) => {
  const [, text, comment = ''] = /^(.*?)(?:\s# (.*))?$/.exec(line)
  return { text, status: Number(/exit (\d+)/.exec(comment)?.[1] ?? 0), isEndless: comment.includes('Ctrl-C') }
}

/** The verbs that a text names as `millrace VERB …` in code, without what is an argument or an option, each once. */
export function verbsIn(text) {
  const named = [...text.matchAll(/`millrace ([^`]+)`/g)].map(([, words]) => {
    const verb = words.split(' ')
    const end = verb.findIndex((word) => !/^[a-z][a-z-]*$/.test(word))
    return (end < 0 ? verb : verb.slice(0, end)).join(' ')
  })
  return [...new Set(named)].filter((verb) => verb !== '').sort()
}
