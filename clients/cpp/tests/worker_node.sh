#!/usr/bin/env bash
# A worker node: 64 jobs at once on a read-only snapshot, without network, nothing writable; all give the same response,
# by ONNX Runtime and by the compiled export.
#
#   worker_node.sh FIRST_RESPONSE
set -euo pipefail
program=$1
snapshot=${DRIFTLINE_FIXTURES:-}/snapshot
if [[ ! -e $snapshot/snapshot.json ]]; then
  echo "SKIPPED: no fixtures; clients/cpp/test.sh makes them where Node is"
  exit 77
fi
# A network with nothing in it (loopback is down too), and mounts of one's own, all of them read-only.
alone=(unshare --net --mount bash -c
  'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && mount -o remount,ro,bind / &&
   ! touch "$0/x" /x 2>/dev/null && exec "$@"' "$snapshot")
if ! "${alone[@]}" true 2>/dev/null; then
  echo "SKIPPED: no right to make namespaces and mounts"
  exit 77
fi

# In the namespace: all at once, answers and errors on one stream, the exit code of each looked at.
jobs='for i in $(seq 64); do "$@" & pids+=($!); done; failed=0; for pid in "${pids[@]}"; do wait "$pid" || failed=1; done; exit $failed'
question='{"conditions": {"drift_velocity": "5.51 cm/us"}}'
for compiled in "" "${DRIFTLINE_COMPILED_SO:-}"; do
  command=("$program" "$snapshot" test.tiny "$question")
  [[ -n $compiled ]] && command+=("$compiled")
  said=$(env -i HOME=/nonexistent DRIFTLINE_ONNXRUNTIME="${DRIFTLINE_ONNXRUNTIME:-}" "${alone[@]}" bash -c "$jobs" jobs "${command[@]}" 2>&1) ||
    { echo "$said"; exit 1; }
  answers=$(grep -oE '"bundle": "[0-9a-f]{64}"|"sum": .*' <<<"$said" | sort | uniq -c)
  echo "$answers"
  # Two lines, 64 times each: one bundle and one response.
  [[ $(wc -l <<<"$answers") == 2 && $(grep -cE '^ +64 ' <<<"$answers") == 2 && $(wc -l <<<"$said") == 64 ]] || { echo "$said"; exit 1; }
done
