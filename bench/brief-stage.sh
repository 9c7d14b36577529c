#!/bin/sh
# A stage that does nothing for a while, so that a crash can meet it at any point.
sleep 0.15
exec "${0%/*}/no-op-stage.sh"
