import { describe, expect, it } from 'vitest'
import { agentEnvironment, stageVariables } from './environment.ts'

const own = {
  PATH: '/bin',
  HOME: '/home/x',
  LC_ALL: 'C',
  XDG_CACHE_HOME: '/c',
  https_proxy: 'http://p',
  NODE_EXTRA_CA_CERTS: '/ca',
  SSH_AUTH_SOCK: '/s',
  CODEX_HOME: '/codex',
  AWS_SECRET_ACCESS_KEY: 'secret',
  GITHUB_TOKEN: 'secret',
  NODE_OPTIONS: '--inspect',
  MILLRACE_WORKSPACE: '/w',
  UNSET: undefined,
}

describe('the environment of an agent', () => {
  it('is the allow-list and nothing else', () => {
    const names = Object.keys(agentEnvironment(own, { prefixes: [], pass: [], set: {} }))
    expect(names).toEqual([
      'PATH',
      'HOME',
      'LC_ALL',
      'XDG_CACHE_HOME',
      'https_proxy',
      'NODE_EXTRA_CA_CERTS',
      'SSH_AUTH_SOCK',
    ])
  })

  it('has what belongs to the harness, what is passed on by name, and what is set over all', () => {
    const env = agentEnvironment(own, {
      prefixes: ['CODEX_'],
      pass: ['GITHUB_TOKEN', 'UNSET', 'ABSENT'],
      set: { HOME: '/other' },
    })
    expect(env).toMatchObject({ CODEX_HOME: '/codex', GITHUB_TOKEN: 'secret', HOME: '/other' })
    expect(env).not.toHaveProperty('UNSET')
    expect(env).not.toHaveProperty('ABSENT')
    expect(env).not.toHaveProperty('AWS_SECRET_ACCESS_KEY')
  })

  it('carries the marker of the stage and its run folder', () => {
    expect(stageVariables('request-1', '/runs/1')).toEqual({
      MILLRACE_REQUEST_ID: 'request-1',
      MILLRACE_RUN_DIR: '/runs/1',
    })
  })
})
