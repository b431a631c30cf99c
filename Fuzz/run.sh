#!/bin/sh
# Fuzzes one target with libFuzzer and the address sanitizer.
#
#   Fuzz/run.sh TARGET SECONDS    e.g. Fuzz/run.sh JSON 120
#   Fuzz/run.sh TARGET minimize   makes the corpus anew from what was found: few inputs, of at most 256 bytes,
#                                 that together reach every line reached before
#
# TARGET is a folder under Fuzz/ with
#   sources   the Swift files to compile, one path or glob a line relative to the package's root; '#' begins a comment
#   corpus/   small inputs to start from; `swift test` replays them
#   dict      optional: libFuzzer dictionary
# One of the sources defines LLVMFuzzerTestOneInput with @_cdecl. Builds and new inputs go to .build/fuzz/TARGET;
# an input that fails is kept there as crash-*, timeout-* or oom-*.
set -eu

if [ $# -ne 2 ]; then
    sed -n '2,15s/^# \{0,1\}//p' "$0" >&2
    exit 64
fi
target=$1
mode=$2
cd "$(dirname "$0")/.."
folder=Fuzz/$target
if [ ! -f "$folder/sources" ]; then
    echo "$folder/sources: not found; it lists the Swift files of the target" >&2
    exit 66
fi
work=.build/fuzz/$target
mkdir -p "$work/found" "$folder/corpus"

# Globs are expanded on purpose: paths in `sources` have no spaces.
# shellcheck disable=SC2046
swiftc -O -swift-version 6 -parse-as-library -use-ld=lld -sanitize=fuzzer,address -module-name "Fuzz$target" \
    -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault \
    -enable-upcoming-feature MemberImportVisibility -enable-upcoming-feature NonisolatedNonsendingByDefault \
    $(sed 's/#.*//' "$folder/sources") -o "$work/fuzz" 2>"$work/build.log" || {
    cat "$work/build.log" >&2
    exit 1
}

# The crash reporter of Swift would outlive the crash and hold the output open.
export SWIFT_BACKTRACE=enable=no

if [ "$mode" = minimize ]; then
    rm -rf "$work/merged"
    mkdir "$work/merged"
    "$work/fuzz" -set_cover_merge=1 -use_counters=0 -max_len=256 "$work/merged" "$folder/corpus" "$work/found"
    rm -f "$folder"/corpus/*
    cp "$work/merged"/* "$folder/corpus/"
    echo "$(ls "$folder/corpus" | wc -l) inputs in $folder/corpus"
    exit 0
fi

set -- -max_total_time="$mode" -timeout=5 -max_len=4096 -print_final_stats=1 -artifact_prefix="$work/"
if [ -f "$folder/dict" ]; then set -- "$@" -dict="$folder/dict"; fi
exec "$work/fuzz" "$@" "$work/found" "$folder/corpus"
