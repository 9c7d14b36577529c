import { it } from 'vitest'
import { answersOf } from '../surfaces/contract/answers.ts'
it('x', async () => {
  const t=Date.now()
  const answers = await answersOf()
  console.log('made', Date.now()-t, answers.length)
  for (const a of answers) if (a.ended.status !== (a.sample.status ?? 0)) console.log(a.verb, a.sample.args, a.ended.status, a.ended.stdout.slice(0,1500), a.ended.stderr)
}, 120000)
