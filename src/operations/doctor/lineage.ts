/** Check of lineages: open work that names another root spec than the one it belongs to. */
import type { View } from '../../core/view.ts'
import { itemFile } from '../../store/layout.ts'
import { isMendable, straysOf } from '../commands/lineage.ts'
import type { Finding } from '../schemas/doctor.ts'
import { type Examination, error, named } from './examination.ts'

export const checkLineage = (exam: Examination, view: View): Finding[] =>
  view.targets
    .filter((target) => target.closure_open)
    .flatMap(({ root_spec_id: root, root_idea_id: idea }) =>
      straysOf(view, root, idea)
        .filter(isMendable)
        .map(({ kind, id, state, effectiveRoot }) =>
          error('closure_lineage_drift', {
            path: named(exam, itemFile(kind, id, state)),
            message: `${kind} ${id} belongs to root spec ${root} and names ${effectiveRoot}; the closure of ${root} does not wait for it.`,
            remedy: `set it right with: millrace queue repair-lineage --root-spec-id ${root} --apply`,
          }),
        ),
    )
