#!/usr/bin/env bash
# Installs what is missing and builds studies, optimised for this machine, and the program that writes samples:
# scripts/build_studies.sh STUDY…. Of several that were started in one checkout each waits for the one before.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
mkdir -p build
if command -v flock >/dev/null; then # not on macOS
  exec 9>build/.lock
  if ! flock --nonblock 9; then
    echo "build_studies.sh: waiting for another build in this checkout"
    flock 9
  fi
fi
cmake --preset release
cmake --build --preset release --target "${@/#/study_}" example_sample
