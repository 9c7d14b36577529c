// Ignores every polite signal.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => {})
process.stdout.write('not listening\n')
setInterval(() => {}, 1000)
