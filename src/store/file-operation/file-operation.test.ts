import { expect, test } from 'vitest'
import { bytesOf, payload } from './file-operation.ts'

test('bytes in a record travel as text where they are text, and exactly in any case', () => {
  for (const bytes of [Buffer.from('plain ☂'), Buffer.from([0, 255, 128, 10]), Buffer.alloc(0)]) {
    expect(Buffer.from(bytesOf(payload(bytes)))).toEqual(bytes)
  }
  expect(payload(Buffer.from('plain'))).toEqual({ text: 'plain' })
  expect(payload(Buffer.from([255]))).toHaveProperty('base64')
})
