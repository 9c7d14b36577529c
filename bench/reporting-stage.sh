#!/bin/sh
# A stage that does nothing and tells as much about it as a real one does: 8 KB of what it thought and did.
line='I read the code and the tests around it, and found nothing that had to be changed for this task.'
count=0
while [ $count -lt 84 ]; do
  echo "$line"
  count=$((count + 1))
done
exec "${0%/*}/no-op-stage.sh"
