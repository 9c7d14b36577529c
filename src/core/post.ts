/** Sending a message over HTTP: what the engine needs of the network. The runners implement it. */

export interface PostOptions {
  headers: Readonly<Record<string, string>>
  body: string
  timeoutMs: number
  /** Ends the attempt early. */
  signal: AbortSignal
}

/** `status`: null if no answer came; then `problem` says why. `answer`: the beginning of the answer's text. */
export type PostResult = { status: number; answer: string } | { status: null; problem: string }

/** Posts once and follows no redirect. Never rejects. */
export type Post = (address: string, options: PostOptions) => Promise<PostResult>
