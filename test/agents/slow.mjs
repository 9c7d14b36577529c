// Works for the milliseconds given and then succeeds: long enough for its starter to die meanwhile.
process.stdout.write('started\n')
setTimeout(() => process.stdout.write('done\n### BUILDER_COMPLETE\n'), Number(process.argv[2] ?? 500))
