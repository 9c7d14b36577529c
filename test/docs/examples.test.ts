/** Settings, records and work documents that documents show: each is one that Millrace would take. */
import { parse } from 'smol-toml'
import { describe, it } from 'vitest'
import { parseConfig } from '../../src/core/config.ts'
import { type Block, documents } from './documents.ts'

const examples = (language: string): [string, Block][] =>
  documents().flatMap(({ name, blocks }) =>
    blocks
      .filter((block) => block.language === language)
      .map((block): [string, Block] => [`${name}:${block.line}`, block]),
  )

describe('examples in documents', () => {
  it.each(examples('toml'))('are settings that millrace.toml may have: %s', (_, { text }) => {
    parseConfig(parse(text), 'millrace.toml')
  })

  it.each(examples('json'))('are JSON: %s', (_, { text }) => {
    JSON.parse(text)
  })
})
