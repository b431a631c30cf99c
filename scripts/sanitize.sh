#!/usr/bin/env bash
# Runs the Swift tests under the thread sanitizer and the address sanitizer, each in a build folder of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
# Left out of both: memory, which is not the program's own under a sanitizer.
skip="MemoryTests"
run() {
    swift test --skip-build --no-parallel --sanitize="$kind" --scratch-path ".build/$kind" --skip "$skip" \
        ${SANITIZE_FILTER:+--filter "$SANITIZE_FILTER"}
}
for kind in ${SANITIZE:-thread address}; do
    echo "== $kind sanitizer"
    swift build --build-tests --sanitize="$kind" --scratch-path ".build/$kind"
    if [ "$kind" = thread ]; then
        # Without it contended locks of the standard library are reported as races.
        clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
        [ -x "$clang" ] || clang=clang
        "$clang" -O1 -Wall -Wextra -Werror -shared -fPIC -o ".build/$kind/tsan-mutex.so" scripts/tsan-mutex.c -ldl
        TSAN_OPTIONS="suppressions=$PWD/scripts/tsan-suppressions.txt ${TSAN_OPTIONS:-}" \
            LD_PRELOAD="$PWD/.build/$kind/tsan-mutex.so" run
    else
        # Left out as well: the TLS test servers, which are started by Foundation's Process: it reads beyond a directory
        # entry and is stopped for it.
        # The tests' own runner leaves memory behind at its end; leaks are looked for by the memory tests.
        skip="$skip|TLS|HTTP2" ASAN_OPTIONS="detect_leaks=0 ${ASAN_OPTIONS:-}" run
    fi
done
