#!/usr/bin/env bash
# Builds a release product, by default .build/release/pollux, with the runtime of Swift inside
# (docs/decisions/0009-release-binary.md).
set -euo pipefail
cd "$(dirname "$0")/.."
exec swift build -c release --product "${1:-pollux}" --static-swift-stdlib
