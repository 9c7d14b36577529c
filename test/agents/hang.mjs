// Says that it lives, then never ends.
process.stdout.write('thinking\n')
setInterval(() => {}, 1000)
