#!/bin/sh
# Fetches what the browser tests of the report need: axe-core, a driver for the installed Chromium, and the Nu checker.
# No package runs a script of its own, and no browser is fetched.
set -eu
cd "$(dirname "$0")"
PUPPETEER_SKIP_DOWNLOAD=1 npm ci --ignore-scripts --no-audit --no-fund --silent
