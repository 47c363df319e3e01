#!/usr/bin/env bash
# Gets a newer PyTorch than the system's for compare.py to compare with, and prints how to name it there:
#
#   bench/peers/newer_pytorch.sh [--debian] [--mirror URL] [FOLDER]
#
# It is the newest that PyPI has for python3, in a virtual environment, with MKL and oneDNN (several gigabytes to
# download); where PyPI has none or cannot be reached, that of Debian 13 (2.6, with OpenBLAS for OpenMP), in a root
# folder that debootstrap makes, for which this must run as root. Run again, it brings the folder up to date.
#
#   --debian       Debian 13's, without asking PyPI
#   --mirror URL   of Debian's packages (default: that of this machine's apt, or deb.debian.org)
#   FOLDER         where to make it, empty or of an earlier run (default: build/pytorch of this repository, with
#                  --debian build/pytorch_debian13)
set -euo pipefail
top=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")

say() { echo "newer_pytorch.sh: $*"; }
fail() { say "$@" >&2; exit 2; }

debian= mirror= folder=
while [[ $# -gt 0 ]]; do
  case $1 in
    -h | --help) sed -n '2,13s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    --debian) debian=yes; shift ;;
    --mirror)
      [[ -n ${2-} ]] || fail "$1 needs a value"
      mirror=$2
      shift 2
      ;;
    -*) fail "unknown option $1; see --help" ;;
    *)
      [[ -z $folder ]] || fail "one folder only"
      folder=$1
      shift
      ;;
  esac
done
folder=$(realpath --canonicalize-missing "${folder:-$top/build/pytorch${debian:+_debian13}}")

log=$(mktemp)
new_environment=
clean_up() {
  rm -f "$log"
  if [[ -n $new_environment ]]; then
    say "removing the unfinished $folder" >&2
    rm -rf --one-file-system "$folder"
  fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

# usage ARGUMENTS COMMAND…: what to pass to compare.py, where the command runs the Python.
usage() {
  local arguments=$1 version
  shift
  version=$("$@" -c 'import torch; print(torch.__version__)') || fail "its PyTorch cannot be imported"
  say "to compare with PyTorch $version:"
  echo "  bench/peers/compare.py $arguments"
}

# Makes or updates the virtual environment. Where pip finds no PyTorch, nothing is left and it says so by code 1.
from_pypi() {
  command -v python3 >/dev/null || fail "python3 is missing"
  if [[ ! -e $folder/pyvenv.cfg ]]; then
    [[ ! -e $folder || -z $(ls -A "$folder") ]] || fail "$folder is neither empty nor of an earlier run"
    new_environment=yes
    say "making a virtual environment in $folder"
    python3 -m venv "$folder" || fail "python3 cannot make one (Debian: apt-get install python3-venv)"
  fi
  say "installing the newest torch and numpy of PyPI"
  # setuptools: torch.compile imports it.
  if ! "$folder/bin/python" -m pip install --upgrade torch numpy setuptools 2>&1 | tee "$log"; then
    grep -q "No matching distribution found for torch" "$log" || fail "pip failed"
    [[ -n $new_environment ]] || fail "PyPI has no torch now, or cannot be reached; $folder stays as it was"
    rm -rf --one-file-system "$folder"
    new_environment=
    return 1
  fi
  usage "--python $folder/bin/python" "$folder/bin/python"
  new_environment=
  local include
  include=$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
  if ! command -v g++ >/dev/null || [[ ! -e $include/Python.h ]]; then
    say "torch.compile needs g++ and Python.h, too (Debian: apt-get install g++ python3-dev)"
  fi
}

from_debian() {
  "$top/scripts/make_debian13.sh" "$folder" ${mirror:+"$mirror"}
  say "installing python3-torch"
  local inside=("$top/scripts/in_root.sh" "$folder" env DEBIAN_FRONTEND=noninteractive)
  # Those after libopenblas0-openmp are what torch.compile needs.
  if ! { "${inside[@]}" apt-get update && "${inside[@]}" apt-get install --yes --no-install-recommends \
    python3-torch libopenblas0-openmp g++ libtorch-dev libsleef-dev python3-dev python3-setuptools; } >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    fail "apt-get failed"
  fi
  usage "--root $folder" "${inside[@]}" python3
}

if [[ -n $debian || -e $folder/etc/debian_version ]]; then
  from_debian
elif ! from_pypi; then
  say "PyPI has no torch for this Python, or cannot be reached: taking Debian 13's instead"
  from_debian
fi
