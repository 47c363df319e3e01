#!/usr/bin/env bash
# Builds the unit tests as scripts/test.sh does not, and runs them:
#   portable   for any processor and as optimised as programs, which is what a user gets without -march
#   asan       with AddressSanitizer and UndefinedBehaviorSanitizer
#   eigen      with Eigen's products
# Arguments name some of them, or other presets: scripts/test_presets.sh asan
# SLM_TEST_FOLDERS="core;nn" in the environment leaves it at those folders of tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

has_sanitizers() {
  local program status=0
  program=$(mktemp)
  "${CXX:-c++}" -fsanitize=address,undefined -x c++ -o "$program" - <<<'int main() {}' 2>/dev/null || status=1
  rm -f "$program"
  return "$status"
}

[[ $# -gt 0 ]] || set -- portable asan eigen
scripts/setup.sh
for preset in "$@"; do
  if [[ $preset == asan ]] && ! has_sanitizers; then
    echo "test_presets.sh: asan is skipped, as ${CXX:-c++} has no sanitizers here" >&2
    continue
  fi
  cmake --preset "$preset" -DSLM_TEST_FOLDERS="${SLM_TEST_FOLDERS-}"
  cmake --build --preset "$preset" --target slm_tests
  ctest --preset "$preset" --label-regex unit --parallel "$(getconf _NPROCESSORS_ONLN)"
done
