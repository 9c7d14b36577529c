# Completion of millrace for PowerShell. In $PROFILE: millrace completion powershell | Out-String | Invoke-Expression
# What completes is asked of millrace itself: candidates with a description behind a tab. Where a file may stand nothing
# is given back, and PowerShell completes files by itself.

Register-ArgumentCompleter -Native -CommandName millrace -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        Select-Object -Skip 1 |
        ForEach-Object { $_.ToString() })
    $words += "$wordToComplete"
    # The number comes first, because an empty last word may get lost on its way.
    millrace __complete $words.Count @words 2>$null | ForEach-Object {
        $value, $description = $_ -split "`t", 2
        if (-not $value.StartsWith(':')) {
            if (-not $description) { $description = $value }
            [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $description)
        }
    }
}
