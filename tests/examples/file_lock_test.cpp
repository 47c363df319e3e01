// Several programs that write to one results file, and claim what they work on.
#include <doctest/doctest.h>

#include <iostream>
#include <map>
#include <memory>
#include <sstream>

#include "harness/file_lock.hpp"
#include "harness/run_log.hpp"
#include "study_test_support.hpp"

using namespace slm::studies;
using namespace study_test;

namespace {

/// A record whose line has some 20 KB, by which lines would mix if they could.
Record long_record(std::uint64_t seed) {
  Record record;
  record.study = "tiny_shakespeare";
  record.model = "mlp";
  record.config = {{"hidden", 256}};
  record.dataset = "synthetic";
  record.seed = seed;
  record.epochs.resize(1);
  record.test_nll = static_cast<double>(seed);
  record.seconds = 1;
  record.compiler = std::string(20'000, 'x');
  return record;
}

/// Appends `text` as another writer does: under the lock, and with a pause in the middle, at which it makes the
/// file `half`.
void append_slowly(const std::string& path, const std::string& text, const std::string& half) {
  const slm::detail::Descriptor file = open_locked(path, O_RDWR | O_APPEND);
  const std::size_t middle = text.size() / 2;
  if (::write(file.number(), text.data(), middle) < 0) throw std::runtime_error("write");
  put(half, "");
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  if (::write(file.number(), text.data() + middle, text.size() - middle) < 0) throw std::runtime_error("write");
}

/// What `work` writes to standard error.
template <class Work>
std::string errors_of(const Work& work) {
  std::ostringstream text;
  std::streambuf* before = std::cerr.rdbuf(text.rdbuf());
  work();
  std::cerr.rdbuf(before);
  return text.str();
}

}  // namespace

TEST_CASE("programs that append at once lose and mix nothing, also where some are killed") {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.jsonl";
  constexpr std::uint64_t lines = 40;
  const auto append = [&](std::uint64_t program, std::uint64_t count) {
    RunLog log(path);
    for (std::uint64_t i = 0; i < count; ++i) log.append(long_record(1'000'000 * program + i));
  };
  {
    std::vector<std::unique_ptr<Child>> whole, killed;
    for (std::uint64_t program = 0; program < 4; ++program) {
      whole.push_back(std::make_unique<Child>([&] { append(program, lines); }));
      killed.push_back(std::make_unique<Child>([&] { append(program + 4, 1'000'000); }));
    }
    for (auto& child : killed) {
      std::this_thread::sleep_for(std::chrono::milliseconds(60));
      child->kill();
    }
    for (auto& child : whole) CHECK(child->wait());
  }
  std::map<std::uint64_t, std::uint64_t> next;  // line of each program
  const RunLog all(path);
  for (const Record& record : all.records()) {
    CHECK(record.compiler.size() == 20'000);
    CHECK(record.seed % 1'000'000 == next[record.seed / 1'000'000]++);
  }
  for (std::uint64_t program = 0; program < 4; ++program) CHECK(next[program] == lines);
}

TEST_CASE("who appends or reads waits for a line that is being written") {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.jsonl", half = folder / "half";
  RunLog log(path);
  Child other([&] { append_slowly(path, to_line(long_record(1)) + "\n", half); });
  wait_for(half);
  SUBCASE("reading") {
    CHECK(errors_of([&] { log.refresh(); }) == "");
    CHECK(log.records().size() == 1);
  }
  SUBCASE("appending") {
    log.append(long_record(2));
    const auto lines = lines_of(path);
    REQUIRE(lines.size() == 2);
    CHECK(lines[1]["seed"] == 2);
  }
  CHECK(other.wait());
}

TEST_CASE("a line that its writer's death cut off is named, left alone and spoils no other") {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.jsonl", half = folder / "half";
  RunLog log(path);
  log.append(long_record(1));
  Child dying([&] { append_slowly(path, to_line(long_record(2)) + "\n", half); });
  wait_for(half);
  dying.kill();
  const std::string errors = errors_of([&] { log.refresh(); });
  CHECK(has(errors, path + ":2: left alone, cut off while it was written: "));
  CHECK(log.records().size() == 1);
  CHECK_FALSE(log.find(long_record(2)).has_value());
  log.append(long_record(3));
  CHECK(errors_of([&] { log.refresh(); }) == "");  // it was named before
  CHECK(has(errors_of([&] { CHECK(RunLog(path).records().size() == 2); }), ":2: left alone, not a run: "));
  CHECK(log.find(long_record(3)).has_value());
}

TEST_CASE("a line goes to the file that stands there when its turn comes") {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.jsonl", ready = folder / "ready";
  RunLog log(path);
  log.append(long_record(1));
  Child replacing([&] {
    const slm::detail::Descriptor file = open_locked(path, O_RDWR);
    put(ready, "");
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    put(path + ".new", to_line(long_record(2)) + "\n");
    std::filesystem::rename(path + ".new", path);
  });
  wait_for(ready);
  log.append(long_record(3));
  CHECK(replacing.wait());
  log.refresh();
  REQUIRE(log.records().size() == 2);
  CHECK(log.records()[0].seed == 2);
  CHECK(log.records()[1].seed == 3);
}

TEST_CASE("one program at a time has a claim, and none has it after its death") {
  const TemporaryFolder folder;
  const std::string path = folder / "a", ready = folder / "ready";
  {
    const Claim claim(path);
    CHECK(claim.held());
    CHECK(has(get(path), "process " + std::to_string(::getpid()) + " on "));
  }
  CHECK(get(path) == "");
  Child holder([&] {
    const Claim claim(path);
    put(ready, "");
    std::this_thread::sleep_for(std::chrono::hours(1));
  });
  wait_for(ready);
  {
    const Claim claim(path);
    CHECK_FALSE(claim.held());
    CHECK(has(claim.holder(), "process " + std::to_string(holder.number()) + " on "));
  }
  CHECK(get(path) != "");  // it is not for others to empty
  holder.kill();
  CHECK(get(path) != "");
  CHECK(Claim(path).held());
  CHECK_THROWS_AS(Claim(folder / "missing/a"), slm::DataError);
}

TEST_CASE("programs that take a claim in turn are never two at once") {
  const TemporaryFolder folder;
  const std::string path = folder / "a", inside = folder / "inside";
  const auto work = [&] {
    for (int taken = 0; taken < 200;) {
      const Claim claim(path);
      if (!claim.held()) continue;
      ++taken;
      if (slm::detail::Descriptor(inside, O_WRONLY | O_CREAT | O_EXCL, 0600).number() < 0) {
        throw std::runtime_error("another program is inside");
      }
      std::filesystem::remove(inside);
    }
  };
  std::vector<std::unique_ptr<Child>> children;
  for (int i = 0; i < 6; ++i) children.push_back(std::make_unique<Child>(work));
  for (auto& child : children) CHECK(child->wait());
}
