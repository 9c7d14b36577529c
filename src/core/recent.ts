/**
 * A map of bounded size that keeps what was set last. Two generations instead of an order of use: every step takes the
 * same time however much it holds, and nothing is forgotten before `sizeMax / 2` others were set.
 */
export class RecentMap<K, V> {
  private readonly sizeMax: number
  private readonly forget: (key: K, value: V) => void
  private young = new Map<K, V>()
  private old = new Map<K, V>()

  constructor(sizeMax: number, forget: (key: K, value: V) => void = () => {}) {
    this.sizeMax = sizeMax
    this.forget = forget
  }

  get(key: K): V | undefined {
    return this.young.get(key) ?? this.old.get(key)
  }

  set(key: K, value: V): void {
    this.young.set(key, value)
    if (this.young.size <= this.sizeMax / 2) return
    for (const [old, left] of this.old) if (!this.young.has(old)) this.forget(old, left)
    this.old = this.young
    this.young = new Map()
  }

  /** What it keeps, the older generation first. */
  entries(): [K, V][] {
    return [...[...this.old].filter(([key]) => !this.young.has(key)), ...this.young]
  }
}
