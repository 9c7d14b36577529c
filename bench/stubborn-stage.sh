#!/bin/sh
# A stage whose whole tree ignores every polite signal: this shell, and a grandchild in a session of its own, as
# harnesses start their tools. Says `ready` in the run folder once both do.
trap '' TERM INT HUP
(
  setsid sh -c ': >"$MILLRACE_RUN_DIR/ready"; while :; do sleep 300; done' &
)
while :; do sleep 300; done
