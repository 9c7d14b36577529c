// Prints bytes that are not UTF-8, a line separator that is no line feed, and no line feed at the end.
process.stdout.write(
  Buffer.concat([Buffer.from([0xff, 0xfe, 0x41, 0x0a]), Buffer.from('one\u2028line\n### BUILDER_COMPLETE')]),
)
