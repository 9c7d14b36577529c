# Completion of millrace for bash. In ~/.bashrc: source <(millrace completion bash)
# What completes is asked of millrace itself: candidates with a description behind a tab, then what else may stand there.

_millrace() {
  local -a words=("${COMP_WORDS[@]:1:COMP_CWORD}")
  local current=${COMP_WORDS[COMP_CWORD]} line
  # bash takes the sign in --option=value for a word of its own.
  [[ $current == '=' ]] && current=
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files)
        compopt -o filenames 2>/dev/null
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current")
        ;;
      :folders)
        compopt -o filenames 2>/dev/null
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$current")
        ;;
      :*) ;;
      *) COMPREPLY+=("${line%%$'\t'*}") ;;
    esac
  done < <(millrace __complete "${#words[@]}" "${words[@]}" 2>/dev/null)
  if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
    compopt -o nospace 2>/dev/null
  fi
}

complete -F _millrace millrace
