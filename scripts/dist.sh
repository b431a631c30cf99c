#!/usr/bin/env bash
# Makes the release archive from .build/release/pollux, and tries it where nothing but its libraries is.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(.build/release/pollux version | cut -d' ' -f2)
slim=$(mktemp)
trap 'rm -f "$slim"' EXIT
# Symbols stay, so that a crash report can be read; the debugger's tables go.
strip --strip-debug -o "$slim" .build/release/pollux
archive=$(scripts/pack.sh "$slim" "$version" dist)
scripts/dist-check.sh "$archive"
echo "Packed ${archive#"$PWD"/} ($(stat -c %s "$archive") bytes)"
