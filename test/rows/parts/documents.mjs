/** Work documents as a person would write them: as short as they may be. */

const CREATED = '2026-03-02T09:15:00Z'

const KINDS = {
  task: (id) => ({
    'Task-ID': id,
    Title: `Task ${id}`,
    Summary: `What ${id} is for.`,
    'Created-At': CREATED,
    'Created-By': 'person',
    'Target-Paths': ['.'],
    Acceptance: ['It works.'],
    'Required-Checks': ['none configured'],
    References: ['README.md'],
    Risk: ['none known'],
  }),
  spec: (id) => ({
    'Spec-ID': id,
    Title: `Spec ${id}`,
    Summary: `What ${id} is for.`,
    'Source-Type': 'manual',
    'Created-At': CREATED,
    'Created-By': 'person',
    Goals: ['It works.'],
    Constraints: ['No new dependency.'],
    Acceptance: ['It works.'],
    References: ['README.md'],
  }),
  incident: (id) => ({
    'Incident-ID': id,
    Title: `Incident ${id}`,
    Summary: `What happened to ${id}.`,
    'Source-Stage': 'consultant',
    'Source-Plane': 'execution',
    'Failure-Class': 'some_failure',
    'Trigger-Reason': 'some reason',
    'Consultant-Decision': 'needs_planning',
    'Opened-At': CREATED,
    'Opened-By': 'person',
  }),
}

/** Markdown of a valid document; `labels` add to it or replace what it has, `null` leaves a label out. */
export function documentText(kind, id, labels = {}) {
  const fields = Object.entries({ ...KINDS[kind](id), ...labels }).filter(([, value]) => value !== null)
  const texts = fields.filter(([, value]) => !Array.isArray(value))
  const lists = fields.filter(([, value]) => Array.isArray(value))
  return [
    `# ${Object.fromEntries(fields).Title}\n`,
    ...texts.map(([label, value]) => `${label}: ${value}`),
    '',
    ...lists.map(([label, items]) => `${label}:\n${items.map((item) => `- ${item}\n`).join('')}`),
  ].join('\n')
}
