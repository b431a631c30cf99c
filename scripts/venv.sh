#!/usr/bin/env bash
# Makes the virtual environment .venvs/NAME with what a requirements file names, unless it is there: venv.sh NAME FILE.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.venvs/$1
stamp=$venv/.installed-$(sha256sum "$2" | cut -c1-12)
[ ! -e "$stamp" ] || exit 0
rm -rf "$venv"
python3 -m venv "$venv"
"$venv/bin/pip" install -q --disable-pip-version-check -r "$2"
touch "$stamp"
