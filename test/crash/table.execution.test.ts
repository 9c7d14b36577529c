/** Claims, starts, settles, recovery, handoff: every crash point of them in every legal state of the disk. */
import { describe, test } from 'vitest'
import { STORIES } from '../../src/selftest/stories.ts'
import { expectWhole } from './table.ts'

describe('W-07, W-19: work of the execution plane', () => {
  for (const story of STORIES.filter(({ about }) => about === 'execution'))
    test(`${story.tells}, wherever and however the runtime dies`, { timeout: 240_000 }, async () => {
      await expectWhole(story)
    })
})
