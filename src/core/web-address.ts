/** Where a webhook may point: this machine always, others only if the config names them. */

/** A host as `notify.hosts` names it: a name or address, with a port where only that one is meant. */
export const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)(:\d{1,5})?$/

/** What is wrong with an address, in words that follow it; null if a webhook may be sent there. */
export function mistakeInAddress(address: string, hosts: readonly string[]): string | null {
  const url = URL.canParse(address) ? new URL(address) : null
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return 'is no http:// or https:// address'
  if (url.username !== '' || url.password !== '')
    return 'carries a user or password; send them as a header, whose value comes from the environment'
  if (isLoopback(url.hostname) || hosts.includes(url.hostname) || hosts.includes(url.host)) return null
  return `points to ${url.hostname}, which notify.hosts does not name`
}

/** The name of this machine for itself, or an address that never leaves it. Numbers are as URL writes them. */
const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host)
