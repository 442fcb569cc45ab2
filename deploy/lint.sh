#!/usr/bin/env bash
# Lints the Containerfile, the shell scripts, and the shell parts of the Apptainer definitions. The two linters come from
# PyPI (deploy/lint.lock), once, into deploy/.venv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools=deploy/.venv
if ! cmp --silent deploy/lint.lock "$tools/lint.lock"; then
  rm -rf "$tools"
  python3 -m venv "$tools"
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r deploy/lint.lock
  cp deploy/lint.lock "$tools/"
fi

# Versions of Debian's packages are not pinned (DL3008): Debian keeps only the newest, which has the security fixes.
"$tools/bin/hadolint" --ignore DL3008 deploy/Containerfile
readarray -d '' scripts < <(git ls-files -z --cached --others --exclude-standard -- '*.sh' .ci/run)
"$tools/bin/shellcheck" --severity=warning "${scripts[@]}"

parts=$(mktemp -d)
trap 'rm -rf "$parts"' EXIT
for definition in deploy/*.def; do
  awk -v to="$parts/$(basename "$definition")" '
    /^Bootstrap:/ { part = "" }
    /^%/ { part = /^%(post|test|runscript|environment)$/ ? to "." ++count substr($1, 2) : ""; next }
    part != "" { print > part }' "$definition"
done
"$tools/bin/shellcheck" --severity=warning --shell sh "$parts"/*
