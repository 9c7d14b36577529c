#compdef millrace
# Completion of millrace for zsh. In ~/.zshrc, after compinit: source <(millrace completion zsh)
# What completes is asked of millrace itself: candidates with a description behind a tab, then what else may stand there.

_millrace() {
  local -a words_so_far found open
  local line value other=
  words_so_far=("${(@Q)words[2,CURRENT]}")
  while IFS= read -r line; do
    case $line in
      :*) other=$line ;;
      *)
        value=${line%%$'\t'*}
        if [[ $value == *= ]]; then
          open+=("$value")
        else
          found+=("${value//:/\\:}:${line#*$'\t'}")
        fi
        ;;
    esac
  done < <(millrace __complete ${#words_so_far} "${(@)words_so_far}" 2>/dev/null)
  (( ${#found} )) && _describe -V millrace found
  (( ${#open} )) && compadd -S '' -a open
  if [[ $other == :files || $other == :folders ]]; then
    compset -P '--*='
    [[ $other == :folders ]] && _files -/ || _files
  fi
}

if [[ $funcstack[1] == _millrace ]]; then
  _millrace "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
  compdef _millrace millrace
fi
