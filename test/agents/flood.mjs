// Prints without end.
const line = `${'x'.repeat(64 * 1024 - 1)}\n`
const write = () => {
  while (process.stdout.write(line));
  process.stdout.once('drain', write)
}
write()
setInterval(() => process.stdout.write(line), 1)
