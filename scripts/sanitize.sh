#!/usr/bin/env bash
# Runs the Swift tests under the thread sanitizer and the address sanitizer, each in a build folder of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
export TSAN_OPTIONS="suppressions=$PWD/scripts/tsan-suppressions.txt ${TSAN_OPTIONS:-}"
# The tests' own runner leaves memory behind at its end; leaks are looked for by the memory tests.
export ASAN_OPTIONS="detect_leaks=0 ${ASAN_OPTIONS:-}"
# Left out: memory, which is not the program's own under a sanitizer; child processes, whose reports come without names,
# so that nothing can be told from a known one; and the TLS test servers, which are started by Foundation's Process: it
# reads beyond a directory entry and is stopped for it.
for kind in thread address; do
    echo "== $kind sanitizer"
    swift test --no-parallel --sanitize="$kind" --scratch-path ".build/$kind" --skip "MemoryTests|ShutdownTests|TLS|HTTP2" \
        ${SANITIZE_FILTER:+--filter "$SANITIZE_FILTER"}
done
