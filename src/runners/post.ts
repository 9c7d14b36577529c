/** The `post` port: one HTTP request, bounded in time and in what is read of the answer; never rejects. */
import * as http from 'node:http'
import * as https from 'node:https'
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
      if (options.signal.aborted) return { status: null, problem: 'it was not waited for any longer' }
      const { code, message } = error as NodeJS.ErrnoException
      return { status: null, problem: code ?? message }
    } finally {
      cancel()
      options.signal.removeEventListener('abort', abort)
    }
  }

/** A connection of its own, so that nothing of an earlier attempt is in its way. Rejects where no answer came. */
function posted(address: string, { headers, body }: PostOptions, signal: AbortSignal): Promise<PostResult> {
  return new Promise((resolve, reject) => {
    const bytes = Buffer.from(body)
    const { request } = address.startsWith('https:') ? https : http
    const given = { ...headers, 'content-length': bytes.length }
    const sent = request(address, { method: 'POST', headers: given, signal, agent: false }, (response) => {
      const chunks: Buffer[] = []
      let read = 0
      const end = () => {
        const answer = Buffer.concat(chunks).toString('utf8', 0, ANSWER_BYTES_MAX)
        resolve({ status: response.statusCode ?? 0, answer })
      }
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        read += chunk.length
        if (read < ANSWER_BYTES_MAX) return
        end()
        response.destroy()
      })
      response.once('end', end)
      response.once('error', reject)
    })
    sent.once('error', reject)
    sent.end(bytes)
  })
}
