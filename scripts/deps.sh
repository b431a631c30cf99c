#!/usr/bin/env bash
# Installs the Debian packages that the build and the tests need, if they are missing.
set -euo pipefail

packages=(
    libcurl4-openssl-dev libssl-dev libyaml-dev libsqlite3-dev libhiredis-dev redis-server tzdata
    python3 python3-venv curl openssl
)

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    command -v apt-get >/dev/null || {
        echo "This needs Debian's apt-get. Install these by hand: ${missing[*]}" >&2
        exit 1
    }
    as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    echo "Installing ${missing[*]}"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
command -v swift >/dev/null || {
    echo "Swift is missing: install Swift 6.3 for Debian 12 from swift.org and put it on PATH." >&2
    exit 1
}
