import { describe, expect, it } from 'vitest'
import { isLong, paged, pagerOf } from './pager.ts'

describe('a text', () => {
  it('is long when it leaves no line of the terminal for the prompt', () => {
    expect(isLong('1\n2\n3', 4, 80)).toBe(false)
    expect(isLong('1\n2\n3\n4', 4, 80)).toBe(true)
    expect(isLong('1\n2\n3\n', 4, 80)).toBe(false)
  })

  it('is counted by the lines it takes on the terminal, wide letters included', () => {
    expect(isLong('x'.repeat(30), 3, 10)).toBe(true)
    expect(isLong('修'.repeat(10), 2, 10)).toBe(true)
    expect(isLong('修'.repeat(5), 2, 10)).toBe(false)
  })
})

describe('the pager', () => {
  const all = (program: string) => `/usr/bin/${program}`
  const none = () => null

  it('is that of MILLRACE_PAGER, else of PAGER, else less', () => {
    expect(pagerOf({ MILLRACE_PAGER: 'bat', PAGER: 'more' }, all)).toBe('bat')
    expect(pagerOf({ PAGER: 'more -s' }, all)).toBe('more -s')
    expect(pagerOf({}, all)).toBe('less')
  })

  it('is none where it is empty, or where the program is missing', () => {
    expect(pagerOf({ MILLRACE_PAGER: '', PAGER: 'more' }, all)).toBeNull()
    expect(pagerOf({ PAGER: 'more' }, none)).toBeNull()
    expect(pagerOf({}, none)).toBeNull()
  })

  it('is left to the shell where it is more than a name', () => {
    expect(pagerOf({ PAGER: 'LESS=R less' }, none)).toBe('LESS=R less')
    expect(pagerOf({ PAGER: '"$HOME/my pager"' }, none)).toBe('"$HOME/my pager"')
  })

  async function shown(status: number | null, environment = {}, presses = false) {
    const told: { command: string; text: string; env: Record<string, string | undefined> }[] = []
    let press = (): void => {}
    const done = await paged(
      'a text',
      { PATH: '/usr/bin', PAGER: 'more', ...environment },
      {
        find: all,
        showThrough: async (command, text, env) => {
          told.push({ command, text, env })
          if (presses) press()
          return status
        },
      },
      {
        onSignal: (listener) => {
          press = () => listener('SIGINT')
          return () => {}
        },
      },
    )
    return { done, told: told[0]! }
  }

  it('is told how less is to behave, unless the person has said so', async () => {
    expect((await shown(0)).told).toMatchObject({ command: 'more', text: 'a text\n', env: { LESS: 'FRX' } })
    expect((await shown(0, { LESS: 'S' })).told.env).toMatchObject({ LESS: 'S' })
  })

  it('has shown the text if it ended well, or by Ctrl-C; else the text is still to be printed', async () => {
    expect((await shown(0)).done).toBe(true)
    expect((await shown(2, {}, true)).done).toBe(true)
    for (const status of [1, 126, 127, null]) expect((await shown(status)).done).toBe(false)
  })
})
