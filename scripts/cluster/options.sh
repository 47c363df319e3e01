# Sourced by slurm.sh and mpi.sh, in the repository's folder: what both read from their command lines. `parse` sets
# tasks, threads, results, separate, programs, study, options (of the study) and more (of the launcher), and prepares
# the results folder and the programs.
tasks=4 threads=2 results=results separate= programs= study= options=() more=()

fail() {
  echo "${0##*/}: $*" >&2
  exit 2
}

# number NAME TEXT: a whole number from 1 on.
number() {
  [[ $2 =~ ^[1-9][0-9]{0,4}$ ]] || fail "$1 must be a whole number from 1 to 99999, got $2"
  echo "$2"
}

# The options that one launcher has alone are read by its function own_option, which sets `taken` to how many
# arguments it took; the option of others is $launcher_option.
parse() {
  while [[ $# -gt 0 && $1 == -* ]]; do
    taken=0
    own_option "$@"
    if [[ $taken -eq 0 ]]; then
      case $1 in
        --separate) separate=yes taken=1 ;;
        --tasks | --threads | --results | --programs | "$launcher_option")
          [[ -n ${2-} ]] || fail "$1 needs a value"
          taken=2
          ;;
        *) fail "unknown option $1: --help lists those there are; those of the study go behind its name" ;;
      esac
      case $1 in
        --tasks) tasks=$(number "$1" "$2") ;;
        --threads) threads=$(number "$1" "$2") ;;
        --results) results=$2 ;;
        --programs) programs=$2 ;;
        "$launcher_option") more+=("$2") ;;
      esac
    fi
    shift "$taken"
  done
  [[ $# -gt 0 ]] || fail "expected a study: tiny_shakespeare, sweeps, word_level, positions, ngrams or frontier"
  study=$1
  shift
  options=("$@")
  local option
  for option in ${options[@]+"${options[@]}"}; do
    case $option in
      --shard | --shard=* | --threads | --threads=* | --out | --out=*)
        fail "$option of the study is said by --tasks, --threads and --results, before its name" ;;
    esac
  done
  [[ -e examples/studies/$study.cpp ]] || fail "no study $study in examples/studies"
  if [[ -z $programs ]]; then
    programs=build/release/examples/studies
    scripts/build_studies.sh "$study"
  fi
  [[ -x $programs/$study ]] || fail "no program $programs/$study"
  mkdir -p "$results/logs"
  # Wrong options, and data that is not there, show here and not in every task.
  "$programs/$study" ${options[@]+"${options[@]}"} --out "$results" --dry-run
}
