#!/usr/bin/env bash
# Builds the release preset and runs all tests. Arguments go to ctest, for example: scripts/test.sh -R autograd
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
cmake --preset release
cmake --build --preset release
ctest --preset release --parallel "$(getconf _NPROCESSORS_ONLN)" "$@"
