#!/bin/sh
# Make sure that a Chromium is there for the browser tests. Usage: get_browser.sh PYTHON
set -u
python=$1

on_path() {
    for name in chromium google-chrome; do
        # Some systems ship a launcher without a browser behind it, so ask it for its version.
        "$name" --version >/dev/null 2>&1 && return 0
    done
    return 1
}

in_playwright() {
    "$python" - <<'PY'
import sys
from pathlib import Path
from playwright.sync_api import sync_playwright

with sync_playwright() as playwright:
    sys.exit(not Path(playwright.chromium.executable_path).exists())
PY
}

may_apt() {
    [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null
}

from_apt() {
    may_apt || return 1
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq -o Acquire::Retries=5 update &&
        apt-get -qq -o Acquire::Retries=5 install -y --no-install-recommends chromium >/dev/null &&
        on_path
}

from_playwright() {
    with_deps=
    may_apt && with_deps=--with-deps
    for attempt in 1 2 3; do
        "$python" -m playwright install $with_deps chromium && return 0
        sleep $((attempt * 5))
    done
    return 1
}

if on_path || in_playwright; then exit 0; fi
echo "Installing Chromium for the browser tests"
if from_apt || from_playwright; then exit 0; fi
echo "No Chromium could be installed. Put chromium or google-chrome on PATH and try again." >&2
exit 1
