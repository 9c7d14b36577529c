import { expect, test } from 'vitest'
import { configKeys, parseConfig } from './config.ts'
import { NOTIFY_EVENTS } from './notify-config.ts'

const refusal = (notify: object): string => {
  try {
    parseConfig({ notify }, 'millrace.toml')
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('it was not refused')
}
const rule = (oncall: object, more: object = {}) => ({ ...more, rules: { oncall } })

test('a rule needs no more than a receiver, and is then for everything', () => {
  const { notify } = parseConfig({ notify: rule({ command: ['tell'] }) }, 'millrace.toml')
  expect(notify).toMatchObject({ hosts: [], pending_max: 1000 })
  expect(notify.rules.oncall).toEqual({
    on: [...NOTIFY_EVENTS],
    command: ['tell'],
    headers: {},
    env_pass: [],
    timeout_seconds: 10,
    attempts_max: 8,
    per_minute_max: 10,
  })
})

test('without the section nobody is told', () => {
  expect(parseConfig({}, 'millrace.toml').notify.rules).toEqual({})
})

test.each([
  [rule({}), 'notify.rules.oncall: needs one of command, webhook, webhook_env, and has none'],
  [rule({ command: ['a'], webhook: 'http://localhost/' }), 'and has command and webhook'],
  [
    rule({ webhook: 'https://hooks.example.com/x' }),
    'https://hooks.example.com/x points to hooks.example.com, which notify.hosts does not name',
  ],
  [rule({ command: ['a'], headers: { Authorization: 'TOKEN' } }), 'notify.rules.oncall.headers: are for a webhook'],
  [rule({ webhook: 'http://localhost/', env_pass: ['TOKEN'] }), 'notify.rules.oncall.env_pass: is for a command'],
  [rule({ webhook: 'http://localhost/', headers: { Authorization: 'Bearer abc' } }), 'not its value'],
  [rule({ command: ['a'], on: ['blockd'] }), 'notify.rules.oncall.on.0'],
  [rule({ command: ['a'], on: [] }), 'notify.rules.oncall.on'],
  [rule({ command: [] }), 'notify.rules.oncall.command'],
  [rule({ command: ['a'], timeout_seconds: 0 }), 'notify.rules.oncall.timeout_seconds'],
  [rule({ comand: ['a'] }), 'did you mean notify.rules.oncall.command?'],
  [{ rules: { 'On Call': { command: ['a'] } } }, 'notify.rules.On Call'],
  [{ hosts: ['https://x.example'] }, 'notify.hosts.0: must be host names'],
  [
    { rules: Object.fromEntries(Array.from({ length: 21 }, (_, at) => [`r${at}`, { command: ['a'] }])) },
    'notify.rules: must be at most 20',
  ],
])('says what is wrong and where: %j', (notify, said) => {
  expect(refusal(notify)).toContain(said)
})

test('a host that is named may be told', () => {
  const notify = rule({ webhook: 'https://hooks.example.com/x' }, { hosts: ['hooks.example.com'] })
  expect(parseConfig({ notify }, 'millrace.toml').notify.rules.oncall?.webhook).toBe('https://hooks.example.com/x')
})

test('every key says what it is and takes effect at once', () => {
  const keys = configKeys().filter(({ key }) => key.startsWith('notify.'))
  expect(keys.map(({ key }) => key)).toEqual([
    'notify.hosts',
    'notify.pending_max',
    ...[
      'on',
      'command',
      'webhook',
      'webhook_env',
      'headers',
      'env_pass',
      'timeout_seconds',
      'attempts_max',
      'per_minute_max',
    ].map((name) => `notify.rules.*.${name}`),
  ])
  for (const { description, boundary } of keys) {
    expect(description).not.toBe('')
    expect(boundary).toBe('tick')
  }
})
