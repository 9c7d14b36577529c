/** Dice with a seed: the same seed chooses the same strikes and pauses. What the processes make of them differs. */
export class Chance {
  private state: number

  constructor(seed: number) {
    this.state = seed >>> 0
  }

  /** From 0 up to, not including, 1 (mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    const state = this.state
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }

  between(from: number, to: number): number {
    return from + this.next() * (to - from)
  }

  happens(probability: number): boolean {
    return this.next() < probability
  }

  /** One of them, each as likely as its weight among all. */
  choose<T extends { weight: number }>(options: readonly T[]): T {
    let left = this.next() * options.reduce((sum, option) => sum + option.weight, 0)
    for (const option of options) {
      left -= option.weight
      if (left < 0) return option
    }
    return options.at(-1)!
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
