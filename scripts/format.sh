#!/usr/bin/env bash
# Formats the C++ sources with clang-format; with --check only says which are not formatted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "${1-}" in
  '') mode=(-i) ;;
  --check) mode=(--dry-run -Werror) ;;
  *) echo "format.sh: unknown option $1 (there is --check)" >&2; exit 2 ;;
esac
if ! command -v clang-format >/dev/null; then
  echo "format.sh: clang-format is missing: scripts/setup.sh --dev installs it" >&2
  exit 1
fi

# A tracked file that was deleted is still listed: only what exists is formatted.
git ls-files -z --cached --others --exclude-standard -- '*.hpp' '*.cpp' |
  while IFS= read -r -d '' file; do [[ ! -e $file ]] || printf '%s\0' "$file"; done |
  xargs -0 -r clang-format "${mode[@]}"
