#!/bin/sh
# A stage that does nothing, but only once somebody has written a line into the pipe `gate` of the workspace.
read -r _ <gate
exec "${0%/*}/no-op-stage.sh"
