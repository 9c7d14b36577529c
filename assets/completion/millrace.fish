# Completion of millrace for fish: millrace completion fish > ~/.config/fish/completions/millrace.fish
# What completes is asked of millrace itself: candidates with a description behind a tab, then what else may stand there.

function __millrace_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l words $before[2..] "$current"
    set -l option (string match -r -- '^--[^=]+=' "$current")
    set -l rest (string replace -r -- '^--[^=]+=' '' "$current")
    for line in (millrace __complete (count $words) $words 2>/dev/null)
        switch $line
            case :files
                for path in (__fish_complete_path "$rest")
                    echo "$option$path"
                end
            case :folders
                for path in (__fish_complete_directories "$rest")
                    echo "$option$path"
                end
            case ':*'
            case '*'
                echo $line
        end
    end
end

complete -c millrace -f -a '(__millrace_complete)'
