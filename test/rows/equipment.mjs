/** What a stage of the plan needs to be carried out: an entrypoint and skills that say something. */
import assert from 'node:assert/strict'

const WORDS_MIN = 50

/** Asserts that the node's entrypoint and each of its skills lie in the workspace, and speak of this very stage. */
export function stageIsEquipped(workspace, node) {
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
