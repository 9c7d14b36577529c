import { expect, it } from 'vitest'
import { redact } from './artifacts.ts'

it('hides arguments whose name says that they are secret, and only those', () => {
  const argv = [
    'codex',
    '-c',
    'api_key="abc"',
    '-c',
    'x.http_headers."Authorization"=Bearer t',
    '--token',
    'abc',
    '--api-key=abc',
    'model="m"',
  ]
  expect(redact(argv)).toEqual([
    'codex',
    '-c',
    'api_key=<redacted>',
    '-c',
    'x.http_headers."Authorization"=<redacted>',
    '--token',
    '<redacted>',
    '--api-key=<redacted>',
    'model="m"',
  ])
  expect(redact(['model_auto_compact_token_limit=5', 'env_key_name=X', 'a = b'])).toEqual([
    'model_auto_compact_token_limit=5',
    'env_key_name=X',
    'a = b',
  ])
})
