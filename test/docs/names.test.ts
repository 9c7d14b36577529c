/** Commands that documents name: each is one that there is, with options that it has. */
import { describe, expect, it } from 'vitest'
import { documents } from './documents.ts'
import { commandIn, wrongWith } from './spoken.ts'

const all = documents()

describe('commands that are named', () => {
  it.each(all.map((document) => [document.name, document] as const))(
    'are there, with their options: %s',
    async (_, { codes, blocks }) => {
      const shown = blocks
        .filter(({ language }) => language === 'text' || language === 'bash')
        .flatMap(({ text, line }) =>
          text
            .split('\n')
            .map((one, index) => ({ text: /^(\$ )?millrace /.test(one) ? one : '', line: line + index + 1 })),
        )
      const wrong: string[] = []
      for (const { text, line } of [...codes, ...shown]) {
        const command = commandIn(text)
        const why = command === null ? null : await wrongWith(command)
        if (why !== null) wrong.push(`line ${line}: ${text}: ${why}`)
      }
      expect(wrong).toEqual([])
    },
  )

  it('are seen where there is none, or no such option', async () => {
    expect(await wrongWith('queue sho T-1')).toContain('There is no command')
    expect(await wrongWith('queue show T-1 --frob')).toContain('has no option --frob')
    expect(await wrongWith('queue show T-1 [--kind KIND] --json')).toBeNull()
    expect(await wrongWith('start --daemon')).toBeNull()
    expect(await wrongWith('status | grep frob --frob')).toBeNull()
    expect(commandIn('daemon strat')).toBe('daemon strat')
    expect(commandIn('daemon')).toBeNull()
  })

  it('stand in blocks that say what they are', () => {
    const nameless = all.flatMap(({ name, blocks }) =>
      blocks.filter(({ language }) => language === '').map(({ line }) => `${name}:${line}`),
    )
    expect(nameless).toEqual([])
  })
})
