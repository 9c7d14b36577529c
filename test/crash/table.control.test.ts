/** Commands, stops, reloads, people's hands: every crash point of them in every legal state of the disk. */
import { describe, test } from 'vitest'
import { STORIES } from '../../src/selftest/stories.ts'
import { expectWhole } from './table.ts'

describe('W-19, W-23: what operators and people ask for', () => {
  for (const story of STORIES.filter(({ about }) => about === 'control'))
    test(`${story.tells}, wherever and however the runtime dies`, { timeout: 240_000 }, async () => {
      await expectWhole(story)
    })
})
