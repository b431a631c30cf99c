#!/usr/bin/env bash
# Builds and tests the example of a gateway with plugins of its own, as another package would. Its build folder is its
# own: a package sees another one's targets only by building them.
set -euo pipefail
cd "$(dirname "$0")/../Examples/acme-gateway"
exec swift test --no-parallel --scratch-path ../../.build/examples
