#!/usr/bin/env bash
# Builds the C++ client twice (optimised; with the address and undefined-behaviour sanitizers) and runs its tests in
# both. Fixtures, a server to ask and a compiled export come from the platform where Node is; without it the tests that
# need them skip, and say so.
#
#   clients/cpp/test.sh [BUILD_DIRECTORY]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${1:-$here/build}
node=$root/node_modules/node/bin/node
runtime=$root/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1
mkdir -p "$build"

scratch=$(mktemp -d)
server=
finish() {
  if [[ -n $server ]]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$scratch"
}
trap finish EXIT

export DRIFTLINE_FIXTURES='' DRIFTLINE_TEST_URL='' DRIFTLINE_COMPILED_SO=''
if [[ -x $node && -e $runtime ]]; then
  "$node" "$here/tests/make_fixtures.ts" "$scratch/fixtures"
  export DRIFTLINE_FIXTURES=$scratch/fixtures DRIFTLINE_ONNXRUNTIME=$runtime
  settings=(DRIFTLINE_DATA_DIR="$scratch/fixtures/data" DRIFTLINE_FAMILIES="$scratch/fixtures/families"
    DRIFTLINE_CACHE_DIR="$scratch/cache" XDG_CONFIG_HOME="$scratch/config")
  driftline=("$node" "$root/packages/driftline/bin/main.mjs")
  env "${settings[@]}" "${driftline[@]}" serve --http-port 0 >"$scratch/server.log" 2>&1 &
  server=$!
  for _ in $(seq 100); do
    DRIFTLINE_TEST_URL=$(grep -oEm1 'https?://[0-9.]+:[0-9]+' "$scratch/server.log" || true)
    [[ -n $DRIFTLINE_TEST_URL ]] && break
    kill -0 "$server" 2>/dev/null || { cat "$scratch/server.log" >&2; exit 1; }
    sleep 0.1
  done
  if env "${settings[@]}" "${driftline[@]}" export --help >/dev/null 2>&1; then
    for target in so c; do
      env "${settings[@]}" "${driftline[@]}" export "$DRIFTLINE_FIXTURES/bundles/0" --target "$target" --out "$scratch/export" >/dev/null
    done
    export DRIFTLINE_COMPILED_SO=$scratch/export/libtest_tiny.so
  fi
else
  echo "No Node or no ONNX Runtime under $root/node_modules: tests that need fixtures will skip."
fi

generator=()
command -v ninja >/dev/null && generator=(-G Ninja)
jobs=${DRIFTLINE_JOBS:-2}
for kind in release sanitized; do
  options=(-DDRIFTLINE_STRICT=ON)
  if [[ $kind == sanitized ]]; then
    options+=(-DCMAKE_BUILD_TYPE=None "-DCMAKE_CXX_FLAGS=-O0 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all" -DDRIFTLINE_EXAMPLES=OFF)
    # ONNX Runtime keeps tables for the life of the process, which is no leak of this library.
    export LSAN_OPTIONS=suppressions=$here/tests/leaks.txt:print_suppressions=0
  fi
  echo "=== $kind"
  cmake -S "$here" -B "$build/$kind" "${generator[@]}" "${options[@]}" >"$build/$kind.log" || { cat "$build/$kind.log" >&2; exit 1; }
  cmake --build "$build/$kind" -j "$jobs" >"$build/$kind.log" 2>&1 || { cat "$build/$kind.log" >&2; exit 1; }
  ctest --test-dir "$build/$kind" --output-on-failure
done

echo "=== an installed package"
cmake --install "$build/release" --prefix "$scratch/prefix" >/dev/null
cmake -S "$here/tests/consumer" -B "$scratch/consumer" -DCMAKE_PREFIX_PATH="$scratch/prefix" \
  -DEXPORT_DIRECTORY="${DRIFTLINE_COMPILED_SO:+$scratch/export}" >/dev/null
cmake --build "$scratch/consumer" >"$scratch/consumer.log" 2>&1 || { cat "$scratch/consumer.log" >&2; exit 1; }
if [[ -n $DRIFTLINE_FIXTURES ]]; then "$scratch/consumer/consumer" "$DRIFTLINE_FIXTURES/snapshot"; fi
