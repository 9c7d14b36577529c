import { expect, test } from 'vitest'
import { HOST, mistakeInAddress } from './web-address.ts'

test.each([
  'http://localhost/x',
  'http://127.0.0.1:8080/x?y=1',
  'https://127.9.8.7/',
  'http://[::1]:99/',
  'http://2130706433/',
])('this machine may always be told: %s', (address) => {
  expect(mistakeInAddress(address, [])).toBeNull()
})

test.each([
  'http://example.com/',
  'http://0.0.0.0/',
  'http://localhost.example.com/',
  'http://127.0.0.1.example.com/',
  'http://10.0.0.5/',
  'https://[::2]/',
  'https://[::ffff:10.0.0.1]/',
])('others only if they are named: %s', (address) => {
  expect(mistakeInAddress(address, [])).toContain('notify.hosts does not name')
  expect(mistakeInAddress(address, [new URL(address).hostname])).toBeNull()
})

test('a host may be named with the port that is meant', () => {
  expect(mistakeInAddress('http://nas:8080/', ['nas:8080'])).toBeNull()
  expect(mistakeInAddress('http://nas:8081/', ['nas:8080'])).not.toBeNull()
})

test('other schemes, no addresses and passwords in addresses are refused', () => {
  expect(mistakeInAddress('file:///etc/passwd', [])).toContain('no http:// or https:// address')
  expect(mistakeInAddress('localhost:80', [])).toContain('no http')
  expect(mistakeInAddress('', [])).toContain('no http')
  expect(mistakeInAddress('http://ada:secret@localhost/', [])).toContain('password')
})

test('a host is a name without scheme, path or wildcard', () => {
  for (const host of ['hooks.example.com', 'nas', '10.0.0.5:8080', '[::2]', '[::2]:80']) expect(host).toMatch(HOST)
  for (const host of ['https://x', 'x/y', '*.x', 'X', '', '-x', 'x:']) expect(host).not.toMatch(HOST)
})
