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
command -v debootstrap >/dev/null || fail "debootstrap is missing (Debian: apt-get install debootstrap)"

if [[ -z $mirror ]] && command -v apt-get >/dev/null; then
  mirror=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' |
    sed -n 's/^Debian //p' | head -n 1)
fi
mirror=${mirror:-http://deb.debian.org/debian}

temporary= log=
if [[ -z $root ]]; then
  temporary=$(mktemp -d)
  root=$temporary/root
fi
mkdir -p "$root"
root=$(realpath "$root")

clean_up() {
  local place
  for place in dev sys proc; do
    if mountpoint -q "$root/$place"; then umount "$root/$place" || umount --lazy "$root/$place"; fi
  done
  rm -rf --one-file-system ${temporary:+"$temporary"} ${log:+"$log"}
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

made=$root/.made_by_test_debian13
if [[ ! -e $made ]]; then
  [[ -z $(ls -A "$root") ]] || fail "$root is neither empty nor of an earlier run"
  say "making Debian 13 in $root from $mirror"
  log=$(mktemp)
  if ! debootstrap --variant=minbase trixie "$root" "$mirror" >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    find "$root" -xdev -mindepth 1 -delete # or the next run would not begin anew
    fail "debootstrap failed"
  fi
  touch "$made"
fi

mount -t proc proc "$root/proc"
mount -t sysfs -o ro sys "$root/sys"
mount --bind /dev "$root/dev"

# What git knows of and what is new, but nothing that was built here; what was built there stays.
mkdir -p "$root/slm"
find "$root/slm" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
git ls-files -z --cached --others --exclude-standard |
  while IFS= read -r -d '' file; do [[ ! -e $file ]] || printf '%s\0' "$file"; done |
  tar --create --null --files-from=- | tar --extract --no-same-owner --directory "$root/slm"

inside() {
  chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"
}
code=0
inside /slm/scripts/test.sh "$@" || code=$?
compiler=$(inside c++ --version 2>/dev/null | sed -n 1p) || compiler="no compiler"
where="on Debian $(<"$root/etc/debian_version") with $compiler"
if [[ $code -eq 0 ]]; then say "scripts/test.sh passed $where"; else say "scripts/test.sh failed with exit code $code $where" >&2; fi
exit "$code"
