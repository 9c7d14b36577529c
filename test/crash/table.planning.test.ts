/** Planning, the arbiter's pass, gaps and holds: every crash point of them in every legal state of the disk. */
import { describe, test } from 'vitest'
import { STORIES } from '../../src/selftest/stories.ts'
import { expectWhole } from './table.ts'

describe('W-19: planning and closure', () => {
  for (const story of STORIES.filter(({ about }) => about === 'planning'))
    test(`${story.tells}, wherever and however the runtime dies`, { timeout: 240_000 }, async () => {
      await expectWhole(story)
    })
})
