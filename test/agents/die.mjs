// Fails: prints a marker all the same and exits with the status given (default 3).
process.stdout.write('### BUILDER_COMPLETE\n')
process.stderr.write('first trouble\nthe disk caught fire\n')
process.exitCode = Number(process.argv[2] ?? 3)
