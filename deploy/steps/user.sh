#!/bin/sh
# Makes the user `driftline` (1000, as the first user of most machines, so that a folder of theirs can be mounted) and
# the places that it may write to.
set -eu
useradd --uid 1000 --user-group --create-home --shell /usr/sbin/nologin driftline
install -d -o driftline -g driftline /var/lib/driftline /job /work
