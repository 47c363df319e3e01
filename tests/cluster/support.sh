# Sourced by the tests in this folder, with the folder of the built studies as their argument: what they share. Goes to
# the repository's folder and makes a temporary `folder`, which vanishes.
programs=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

skip() {
  echo "skipped: $*"
  exit 77
}
fail() {
  echo "failed: $*" >&2
  tail -n 15 "$folder"/*.log "$folder"/*/logs/* >&2 2>/dev/null || true
  exit 1
}

folder=$(mktemp -d /tmp/cluster_test.XXXXXX)
clean_up() { rm -rf "$folder"; }
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

# within SECONDS COMMAND…: whether the command succeeds by then.
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [[ $SECONDS -lt $end ]] || return 1
    sleep 0.1
  done
}

# What is made: six runs of seconds, first by one program, into $folder/alone.
request=(tiny_shakespeare --data synthetic --model linear,mlp,attention --seeds 2 --context 8 --windows 4800
  --eval-windows 64 --epochs 5 --no-peak)
make_alone() { "$programs/${request[0]}" "${request[@]:1}" --threads 1 --out "$folder/alone" >/dev/null; }

# kill_first RESULTS: kills the program of the first shard, whose first run is attention's, without warning.
kill_first() { kill -KILL "$(sed -n 's/^process \([0-9]*\) .*/\1/p' "$1"/claims/*-attention-*-seed1)"; }

# The runs of results $1 with their losses, in one order.
losses() {
  python3 - "$1/runs.jsonl" <<'END'
import json, sys
for run in sorted(map(json.loads, open(sys.argv[1])), key=lambda run: (run["model"], run["seed"])):
    print(run["model"], run["seed"], run["test_nll"])
    for epoch in run["epochs"]:
        print(epoch["train_nll"], epoch["valid_nll"])
END
}
same_as_alone() { diff <(losses "$folder/alone") <(losses "$1") || fail "other losses than of one program"; }
