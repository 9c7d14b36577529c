/** Links between documents. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { describe, expect, it } from 'vitest'
import { documents, REPOSITORY, takenApart } from './documents.ts'

const all = documents()
const byName = new Map(all.map((document) => [document.name, document]))
const isOutside = (link: string) => /^[a-z]+:/.test(link)

function brokenIn(name: string, link: string): string | null {
  const [file = '', anchor] = link.split('#')
  const target = file === '' ? name : path.posix.join(path.posix.dirname(name), file)
  if (!fs.existsSync(path.join(REPOSITORY, target))) return `${link} leads nowhere`
  if (anchor === undefined) return null
  const { anchors } = byName.get(target) ?? takenApart(target, fs.readFileSync(path.join(REPOSITORY, target), 'utf8'))
  return anchors.includes(anchor) ? null : `${link}: there is no such heading`
}

describe('links between documents', () => {
  it.each(all.map((document) => [document.name, document] as const))('lead somewhere: %s', (name, { links }) => {
    const broken = links
      .filter(({ text }) => !isOutside(text))
      .flatMap(({ text, line }) => {
        const why = brokenIn(name, text)
        return why === null ? [] : [`line ${line}: ${why}`]
      })
    expect(broken).toEqual([])
  })

  it('lead from the index to every document below docs/', () => {
    const linked = new Set(byName.get('docs/README.md')!.links.map(({ text }) => path.posix.join('docs', text)))
    const missing = all.map(({ name }) => name).filter((name) => name.startsWith('docs/') && !linked.has(name))
    expect(missing).toEqual(['docs/README.md'])
  })

  it('are seen where they lead nowhere', () => {
    expect(brokenIn('docs/README.md', 'nowhere.md')).toBe('nowhere.md leads nowhere')
    expect(brokenIn('README.md', 'docs/architecture.md#nowhere')).toContain('no such heading')
    expect(brokenIn('README.md', 'docs/architecture.md#the-journal')).toBeNull()
  })
})
