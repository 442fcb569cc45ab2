#!/usr/bin/env bash
# The example digitiser: batches of one and of a track give the same responses, to the digits of a checksum.
#
#   tracks.sh TRACKS
set -euo pipefail
program=$1
bundle=${DRIFTLINE_FIXTURES:-}/bundles/0
if [[ ! -e $bundle/bundle.json ]]; then
  echo "SKIPPED: no fixtures; clients/cpp/test.sh makes them where Node is"
  exit 77
fi
said=$("$program" "$bundle" 2 "" test.tiny)
echo "$said"
[[ $(grep -oE 'checksum [-0-9.]+$' <<<"$said" | cut -c1-14 | sort | uniq -c | wc -l) == 1 && $(grep -c checksum <<<"$said") == 2 ]]
