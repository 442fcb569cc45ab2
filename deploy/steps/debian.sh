#!/bin/sh
# Installs Debian packages and leaves none of apt's lists.
#
#   debian.sh PACKAGE…
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -qy --no-install-recommends "$@"
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
