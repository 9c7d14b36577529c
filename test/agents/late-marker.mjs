// Asked to stop, it claims success and exits with 0, as a real client was seen to do.
process.on('SIGTERM', () => {
  process.stdout.write('### BUILDER_COMPLETE\n')
  process.exit(0)
})
process.stdout.write('working\n')
setInterval(() => {}, 1000)
