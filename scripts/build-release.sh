#!/usr/bin/env bash
# Builds the release binary, .build/release/pollux, with Swift's runtime inside (docs/decisions/0009-release-binary.md).
set -euo pipefail
cd "$(dirname "$0")/.."
exec swift build -c release --product pollux --static-swift-stdlib
