/** The `post` port: one HTTP request, bounded in time and in what is read of the answer; never rejects. */
import type { Clock } from '../core/clock.ts'
import type { Post, PostOptions, PostResult } from '../core/post.ts'

/** Of an answer, which only a person reads, in the sentence that says why it was no success. */
const ANSWER_BYTES_MAX = 4096

export const postWith =
  (clock: Clock): Post =>
  async (address, options) => {
    let timedOut = false
    const ending = new AbortController()
    const abort = () => ending.abort()
    const cancel = clock.after(options.timeoutMs, () => {
      timedOut = true
      abort()
    })
    options.signal.addEventListener('abort', abort)
    if (options.signal.aborted) abort()
    try {
      return await posted(address, options, ending.signal)
    } catch (error) {
      if (timedOut) return { status: null, problem: `it did not answer within ${options.timeoutMs / 1000} s` }
      return { status: null, problem: options.signal.aborted ? 'it was not waited for any longer' : reasonOf(error) }
    } finally {
      cancel()
      options.signal.removeEventListener('abort', abort)
    }
  }

async function posted(address: string, { headers, body }: PostOptions, signal: AbortSignal): Promise<PostResult> {
  const response = await fetch(address, { method: 'POST', headers, body, redirect: 'manual', signal })
  return { status: response.status, answer: await beginningOf(response) }
}

async function beginningOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  const reader = response.body?.getReader()
  for (; reader !== undefined && bytes < ANSWER_BYTES_MAX; ) {
    const { done, value } = await reader.read()
    if (done) break
    chunks.push(value)
    bytes += value.length
  }
  await reader?.cancel()
  return Buffer.concat(chunks).toString('utf8', 0, ANSWER_BYTES_MAX)
}

/** What the network says lies in the cause; the error itself only says that it failed. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error & { cause?: { code?: string; message?: string } }
  return cause?.code ?? cause?.message ?? message
}
