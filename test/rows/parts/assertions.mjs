/** What several rows assert alike. */
import assert from 'node:assert/strict'

const WORDS_MIN = 50

/** Asserts that the node's entrypoint and each of its skills lie in the workspace, and speak of this very stage. */
export function assertEquipped(workspace, node) {
  assert.ok(node.required_skill_paths.length > 0, `${node.node_id} has no skill`)
  for (const file of [node.entrypoint_path, ...node.required_skill_paths]) {
    const text = workspace.text(file)
    assert.ok(text.split(/\s+/).length > WORDS_MIN, `${file} says next to nothing`)
    assert.match(text.toLowerCase(), new RegExp(node.stage_kind_id), file)
  }
  const entrypoint = workspace.text(node.entrypoint_path)
  for (const outcome of Object.keys(node.allowed_result_classes_by_outcome))
    assert.ok(entrypoint.includes(`### ${outcome}`), `${node.entrypoint_path} does not name ${outcome}`)
}

/**
 * Asserts that an item lies in the folder of this state and in no other of its kind (`family`: `tasks`, `specs`,
 * `incidents`), that the command line says the same, and, with `text`, that it lost no byte.
 */
export async function assertItemLies(workspace, { family, state, id, text }) {
  const states = workspace.names(family).filter((name) => workspace.has(`${family}/${name}/${id}.md`))
  assert.deepEqual(states, [state])
  if (text !== undefined) assert.equal(workspace.text(`${family}/${state}/${id}.md`), text)
  const shown = await workspace.json('queue', 'show', id)
  assert.equal(shown.path, workspace.path(family, state, `${id}.md`))
}
