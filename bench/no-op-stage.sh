#!/bin/sh
# A stage that does nothing, as fast as can be: leaves what its stage owes and says its marker. Which stage of the
# longest good road of the standard loop it is follows from how many results the run has already.
run=$MILLRACE_RUN_DIR
set -- "$run"/stage_results/*.json
[ -e "$1" ] || shift
case $# in
  0) owed='builder_summary' marker=BUILDER_COMPLETE ;;
  1) owed='checker_expectations checker_summary fix_contract' marker=FIX_NEEDED ;;
  2) owed='fixer_summary' marker=FIXER_COMPLETE ;;
  3) owed='doublecheck_expectations doublecheck_summary' marker=DOUBLECHECK_PASS ;;
  *) owed='updater_summary' marker=UPDATE_COMPLETE ;;
esac
for name in $owed; do echo 'Nothing to do.' >"$run/$name.md"; done
echo "### $marker"
