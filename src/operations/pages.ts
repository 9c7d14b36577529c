/** The Markdown pages that come with the package, by the name one asks for them. */
import * as path from 'node:path'
import type { Files } from '../core/files.ts'

export interface Page {
  topic: string
  /** Relative to the package, with `/`. */
  path: string
}

/** Skills lie three folders deep: docs/skills/NAME/SKILL.md. */
const DEPTH_MAX = 3

/** The page on the package first, then those below docs/ by path. `packageTop`: the folder with README.md. */
export function pagesOf(files: Files, packageTop: string): Page[] {
  const below = (folder: string, depth: number): string[] =>
    (files.list(path.join(packageTop, folder)) ?? []).sort().flatMap((name) => {
      const at = `${folder}/${name}`
      if (name.endsWith('.md')) return [at]
      return depth < DEPTH_MAX && !name.includes('.') ? below(at, depth + 1) : []
    })
  return ['README.md', ...below('docs', 1)].map((file) => ({ topic: topicOf(file), path: file }))
}

/** The name of the file; of one that speaks for its folder, the name of that. */
function topicOf(file: string): string {
  const [name, folder] = file.split('/').reverse()
  const speaksForFolder = name === 'README.md' || name === 'SKILL.md'
  return (speaksForFolder && folder !== undefined ? folder : path.basename(name!, '.md')).toLowerCase()
}
