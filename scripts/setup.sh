#!/usr/bin/env bash
# Installs what slm's build, tests and figures need, where it is missing (Debian and Ubuntu; elsewhere it
# says what to install). Silent and quick when nothing is missing.
#
#   scripts/setup.sh          what scripts/test.sh and scripts/reproduce.sh need
#   scripts/setup.sh --dev    also clang, OpenMP for clang, clang-format, PyTorch for the golden numbers, and the
#                             libraries that products can be compared with
set -euo pipefail

# Debian package, what to look for (a command, or a file below an include or Python folder), and
# whether nothing works without it.
table='
cmake                command:cmake            needed
ninja-build          command:ninja            needed
g++                  command:c++              needed
libeigen3-dev        file:eigen3/Eigen/Core   needed
doctest-dev          file:doctest/doctest.h   needed
libcli11-dev         file:CLI/CLI.hpp         needed
nlohmann-json3-dev   file:nlohmann/json.hpp   needed
libbenchmark-dev     file:benchmark/benchmark.h useful
libopenmpi-dev       file:mpi/mpi.h           useful
openmpi-bin          command:mpirun           useful
git                  command:git              useful
curl                 command:curl             useful
ca-certificates      file:ssl/certs/ca-certificates.crt useful
python3              command:python3          useful
python3-matplotlib   file:matplotlib/__init__.py useful
'
development='
clang                command:clang++          needed
clang-format         command:clang-format     needed
libomp-dev           file:libomp.so           needed
python3-torch        file:torch/__init__.py   needed
python3-numpy        file:numpy/__init__.py   needed
python3-scipy        file:scipy/__init__.py   needed
libopenblas-dev      file:openblas-pthread/openblas_config.h useful
libdnnl-dev          file:oneapi/dnnl/dnnl.h  useful
'

case "${1-}" in
  '') ;;
  --dev) table+=$development ;;
  -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "setup.sh: unknown option $1 (there is --dev and --help)" >&2; exit 2 ;;
esac

# CMAKE_PREFIX_PATH is looked at too, so that libraries of a place of your own count.
places=(/usr/include /usr/include/*-linux-gnu /usr/local/include /opt/homebrew/include /opt/local/include /etc /usr/lib/python3/dist-packages
  /usr/lib/llvm-*/lib)
IFS=: read -ra prefixes <<<"${CMAKE_PREFIX_PATH-}"
for prefix in ${prefixes[@]+"${prefixes[@]}"}; do places+=("$prefix/include"); done

found() {
  local what=${1#*:} place
  if [[ $1 == command:* ]]; then
    command -v "$what" >/dev/null
    return
  fi
  for place in "${places[@]}"; do
    [[ -e $place/$what ]] && return
  done
  if [[ $what == */__init__.py ]] && command -v python3 >/dev/null; then
    python3 -c "import importlib.util, sys; sys.exit(not importlib.util.find_spec('${what%%/*}'))"
    return
  fi
  return 1
}

# Sets `missing` and, of these, `needed`.
look() {
  missing=() needed=()
  local package what how
  while read -r package what how; do
    if [[ -n $package ]] && ! found "$what"; then
      missing+=("$package")
      [[ $how == needed ]] && needed+=("$package")
    fi
  done <<<"$table"
  return 0
}

look
[[ ${#missing[@]} -eq 0 ]] && exit 0

as_root=()
if [[ $EUID -ne 0 ]]; then as_root=(sudo); fi

apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300 "$@"
}

install_missing() {
  local log
  log=$(mktemp)
  echo "setup.sh: installing ${missing[*]}"
  if ! compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null; then apt update >"$log" 2>&1 || true; fi
  # Package lists may be old: where the first try fails, the second has new ones.
  if ! apt install --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
    { apt update && apt install --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 || tail -n 15 "$log" >&2
  fi
  rm -f "$log"
}

if command -v apt-get >/dev/null && { [[ $EUID -eq 0 ]] || command -v sudo >/dev/null; }; then
  install_missing
  look
  [[ ${#missing[@]} -eq 0 ]] && exit 0
fi

echo "setup.sh: please install these (named as in Debian): ${missing[*]}" >&2
if [[ ${#needed[@]} -gt 0 ]]; then
  echo "setup.sh: slm cannot be built without: ${needed[*]}" >&2
  exit 1
fi
echo "setup.sh: going on without them" >&2
