#!/usr/bin/env bash
# Runs the Python tests of a folder beside this file, with a Python that has matplotlib where there is one:
# python.sh FOLDER [options of unittest]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/$1"
shift
export PYTHONDONTWRITEBYTECODE=1
chosen=
for python in python3 /usr/bin/python3; do
  command -v "$python" >/dev/null || continue
  chosen=${chosen:-$python}
  if "$python" -c 'import matplotlib' 2>/dev/null; then chosen=$python && break; fi
done
if [[ -z $chosen ]]; then
  echo "skipped: no python3"
  exit 77
fi
exec "$chosen" -m unittest discover --pattern '*_test.py' "$@"
