#pragma once
// A program's benchmarks are added once it is known how many are wanted.
#include <vector>

namespace slm::bench {

/// At namespace scope: `const Suite suite(add);`, with `add(full)` to register the benchmarks, few of them for
/// a quick run.
class Suite {
 public:
  using Add = void (*)(bool full);
  explicit Suite(Add add) { all().push_back(add); }

  static std::vector<Add>& all() {
    static std::vector<Add> suites;
    return suites;
  }
};

}  // namespace slm::bench
