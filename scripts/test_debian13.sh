#!/usr/bin/env bash
# Runs scripts/test.sh on Debian 13 (g++ 14): in a root folder that debootstrap makes, with a copy of this checkout.
#
#   scripts/test_debian13.sh [--root FOLDER] [--mirror URL] [ARGUMENT…]
#
#   --root FOLDER   where to make it, empty or of an earlier run: it is kept, with what was installed and built,
#                   and the next run takes much less time (default: a temporary one, which is deleted)
#   --mirror URL    of Debian's packages (default: that of this machine's apt, or deb.debian.org)
#   ARGUMENT        goes to scripts/test.sh, for example: -R autograd
#
# Needs root, for mounts and chroot, and about 4 GB. Ends with the exit code of scripts/test.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "test_debian13.sh: $*"; }
fail() { say "$@" >&2; exit 2; }

root= mirror=
while [[ $# -gt 0 ]]; do
  case $1 in
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "scripts/${0##*/}"; exit 0 ;;
    --root | --mirror)
      [[ -n ${2-} ]] || fail "$1 needs a value"
      declare "${1#--}=$2"
      shift 2
      ;;
    *) break ;;
  esac
done
[[ $EUID -eq 0 ]] || fail "needs root, for mounts and chroot"

temporary=
if [[ -z $root ]]; then
  temporary=$(mktemp -d)
  root=$temporary/root
fi
trap 'rm -rf --one-file-system ${temporary:+"$temporary"}' EXIT
trap 'exit 130' INT TERM HUP
scripts/make_debian13.sh "$root" ${mirror:+"$mirror"}

# What git knows of and what is new, but nothing that was built here; what was built there stays.
mkdir -p "$root/slm"
find "$root/slm" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
git ls-files -z --cached --others --exclude-standard |
  while IFS= read -r -d '' file; do [[ ! -e $file ]] || printf '%s\0' "$file"; done |
  tar --create --null --files-from=- | tar --extract --no-same-owner --directory "$root/slm"

code=0
scripts/in_root.sh "$root" /slm/scripts/test.sh "$@" || code=$?
compiler=$(scripts/in_root.sh "$root" c++ --version 2>/dev/null | sed -n 1p) || compiler="no compiler"
where="on Debian $(<"$root/etc/debian_version") with $compiler"
if [[ $code -eq 0 ]]; then say "scripts/test.sh passed $where"; else say "scripts/test.sh failed with exit code $code $where" >&2; fi
exit "$code"
