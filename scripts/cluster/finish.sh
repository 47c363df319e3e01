#!/usr/bin/env bash
# What slurm.sh and mpi.sh do when all tasks have ended:
#   finish.sh RESULTS SEPARATE PROGRAM OPTION…
# With SEPARATE not empty it merges the tasks' results. Prints the table of results and which runs are missing: with
# exit code 1 if there are any.
set -euo pipefail
results=$1 separate=$2
shift 2
if [[ -n $separate ]]; then
  shopt -s nullglob
  folders=("$results"/tasks/*/runs.jsonl)
  if [[ ${#folders[@]} -gt 0 ]]; then scripts/merge_runs.py "${folders[@]}" --into "$results"; fi
fi
"$@" --out "$results" --table
