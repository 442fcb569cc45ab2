#!/usr/bin/env bash
# Installs the Debian packages that the tests under e2e/ need and that are not there yet. Add a package with what it is for.
set -euo pipefail

missing=()
# need PACKAGE CHECK: the package is installed unless the check succeeds.
need() {
  bash -c "$2" >/dev/null 2>&1 || missing+=("$1")
}

need jq "command -v jq" # the curl examples of docs/http.md
need curl "command -v curl"
need gcc "command -v cc" # the fault injector of e2e/faults; compiled exports
need libc6-dev "test -e /usr/include/stdio.h"
need g++ "command -v c++" # the C++ client
need cmake "command -v cmake"
need ninja-build "command -v ninja"
need nlohmann-json3-dev "test -e /usr/include/nlohmann/json.hpp"
need libssl-dev "test -e /usr/include/openssl/evp.h"
need libcurl4-openssl-dev "find /usr/include -path '*curl/curl.h' | grep -q ."
need xrootd-server "command -v xrootd && command -v cmsd" # the tests of packages/xrootd
need xrootd-plugins "find /usr/lib -name 'libXrdSecztn-*' | grep -q ." # authentication
need xrootd-server-plugins "find /usr/lib -name 'libXrdHttp-*' | grep -q ." # root:// and http from one server
need xrootd-scitokens-plugins "find /usr/lib -name 'libXrdAccSciTokens-*' | grep -q ." # validation of bearer tokens
need xrootd-client "command -v xrdcp" # the benchmark's yardstick
need openssl "command -v openssl" # certificates of test servers
need python3-venv 'python3.11 -c "import ensurepip, venv" || python3 -c "import ensurepip, venv"' # the trainer's environment

if ((${#missing[@]} == 0)); then
  echo "All packages of the system that tests need are installed."
  exit 0
fi
if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
  echo "Tests need these packages, and installing them takes root and apt-get: ${missing[*]}" >&2
  exit 1
fi
echo "Installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -qy --no-install-recommends "${missing[@]}"
