// Claims success and a file that it never made.
process.stdout.write('Wrote builder_summary.md as owed.\n### BUILDER_COMPLETE\n')
