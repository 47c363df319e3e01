#include "harness/shared_work.hpp"

#include "harness/file_lock.hpp"

namespace slm::studies {

void share_work(const std::vector<Work>& work, RunLog& log, bool again, const WorkEvents& events) {
  struct Pending {
    const Work* work;
    std::ptrdiff_t expected;  // runs in the log that do not count
    std::string holder;
  };
  std::vector<Pending> pending;
  for (const Work& one : work) pending.push_back({&one, again ? log.count(one.planned) : 0, ""});

  const auto recorded = [&](const Pending& run) {
    if (log.count(run.work->planned) <= run.expected) return false;
    events.recorded(*run.work, *log.find(run.work->planned));
    return true;
  };
  for (bool any = true; any;) {
    any = false;
    std::vector<Pending> taken;
    for (Pending& run : pending) {
      if (recorded(run)) continue;
      const Claim claim(log.beside("claims/" + run.work->stem));
      if (!claim.held()) {
        if (claim.holder() != run.holder) events.taken(*run.work, claim.holder());
        run.holder = claim.holder();
        taken.push_back(run);
        continue;
      }
      log.refresh();  // who had the claim before may have made it
      if (recorded(run)) continue;
      if (!events.make(*run.work)) return;
      any = true;
    }
    pending = std::move(taken);
    log.refresh();
  }
}

}  // namespace slm::studies
