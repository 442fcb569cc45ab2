#!/bin/sh
# Makes /opt/driftline a checkout that runs: Node packages from the lock, without what is for development or for other
# machines. Needs Node 24 and npm; packages/, families/ and the lock are there already.
set -eu
cd /opt/driftline
npm ci --omit=dev --no-progress --loglevel=error
rm -rf ~/.npm

runtimes=node_modules/onnxruntime-node/bin/napi-v6
kept=$(node -p 'process.platform + "/" + process.arch')
mkdir /tmp/kept
mv "$runtimes/$kept" /tmp/kept/
rm -rf "${runtimes:?}"/*
mkdir -p "$runtimes/${kept%/*}"
mv /tmp/kept/* "$runtimes/$kept"
rmdir /tmp/kept

find packages \( -name '*.test.ts' -o -name 'testing.ts' \) -delete
find packages -type d -name testing -prune -exec rm -r {} +
