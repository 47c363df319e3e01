#!/usr/bin/env bash
# Makes a root folder of Debian 13 by debootstrap, for scripts/in_root.sh:
#
#   scripts/make_debian13.sh FOLDER [MIRROR]
#
# FOLDER is empty, missing, or of an earlier run: then nothing is done. MIRROR is the address of Debian's packages
# (default: that of this machine's apt, or deb.debian.org). Needs root.
set -euo pipefail

say() { echo "make_debian13.sh: $*"; }
fail() { say "$@" >&2; exit 2; }

case ${1-} in
  -h | --help) sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
  "" | -*) fail "usage: scripts/make_debian13.sh FOLDER [MIRROR]" ;;
esac
root=$1 mirror=${2-}
[[ $EUID -eq 0 ]] || fail "needs root, for debootstrap"
command -v debootstrap >/dev/null || fail "debootstrap is missing (Debian: apt-get install debootstrap)"

made=$root/.made_by_test_debian13 # so folders of that script stay usable
[[ ! -e $made ]] || exit 0
[[ ! -e $root || -z $(ls -A "$root") ]] || fail "$root is neither empty nor of an earlier run"

if [[ -z $mirror ]] && command -v apt-get >/dev/null; then
  mirror=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' |
    sed -n 's/^Debian //p' | head -n 1)
fi
mirror=${mirror:-http://deb.debian.org/debian}

log=$(mktemp)
clean_up() {
  rm -f "$log"
  # Or the next run would not begin anew. debootstrap mounts proc and sys while it works.
  if [[ -d $root && ! -e $made ]]; then
    for place in dev sys proc; do
      if mountpoint -q "$root/$place"; then umount "$root/$place" || umount --lazy "$root/$place"; fi
    done
    find "$root" -xdev -mindepth 1 -delete
  fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

say "making Debian 13 in $root from $mirror"
mkdir -p "$root"
if ! debootstrap --variant=minbase trixie "$root" "$mirror" >"$log" 2>&1; then
  tail -n 15 "$log" >&2
  fail "debootstrap failed"
fi
touch "$made"
