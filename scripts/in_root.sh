#!/usr/bin/env bash
# Runs a command inside another root folder:
#
#   scripts/in_root.sh FOLDER COMMAND [ARGUMENT…]
#
# /proc, /sys and /dev are mounted for the command alone, in a mount namespace of its own: however it ends, nothing
# is left to unmount. Of the environment it gets no more than HOME, PATH and LANG. Needs root. Ends with the
# command's exit code.
set -euo pipefail

fail() { echo "in_root.sh: $*" >&2; exit 2; }

if [[ ${1-} == -h || ${1-} == --help ]]; then
  sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
  exit 0
fi
[[ $# -ge 2 ]] || fail "usage: scripts/in_root.sh FOLDER COMMAND [ARGUMENT…]"
root=$1
shift
[[ $EUID -eq 0 ]] || fail "needs root, for mounts and chroot"
[[ -d $root/proc && -d $root/sys && -d $root/dev ]] || fail "$root is no root folder: it lacks proc, sys or dev"

# Everything replaces itself by what comes next: the command has this process's number, and gets its signals.
exec unshare --mount sh -c '
  mount -t proc proc "$0/proc" && mount -t sysfs -o ro sys "$0/sys" && mount --bind /dev "$0/dev" || exit 2
  exec chroot "$0" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"' "$root" "$@"
