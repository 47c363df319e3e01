#pragma once
// Processes that train one model together, on one machine or many, as `fit` sees them. How they talk is behind
// this: see distributed/mpi.hpp.
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "slm/core/random.hpp"
#include "slm/core/shape.hpp"

namespace slm {

/// A rank that stands still, has ended, or does something else than the others.
struct RankError : Error {
  using Error::Error;
};

/// Those from `first` up to `end` of things that are counted from 0.
struct Share {
  Index first = 0, end = 0;
};

/// A number that tells bytes from others, as checksums do, one piece after the other. It is quick, and finds
/// mistakes, not forgeries: two texts in 2^64 are alike.
class Fingerprint {
 public:
  void add(const void* bytes, std::size_t count) {
    const auto* from = static_cast<const char*>(bytes);
    for (; count > 0; from += word_bytes(count), count -= word_bytes(count)) {
      std::uint64_t word = 0;
      std::memcpy(&word, from, word_bytes(count));
      stream_ = stream_.child(word).child(word_bytes(count));
    }
  }
  void add(std::string_view text) { add(text.data(), text.size()); }
  std::uint64_t number() const { return stream_.key(); }

 private:
  static std::size_t word_bytes(std::size_t count) {
    return count < sizeof(std::uint64_t) ? count : sizeof(std::uint64_t);
  }

  Random stream_{0};  // its key depends on all of its ancestors
};

/// What all ranks must have alike: what it is, and what it is here.
struct Agreement {
  enum class Kind { count, real, fingerprint };

  std::string_view what;
  Kind kind;
  std::uint64_t here;  // the bits of the number

  Agreement(std::string_view of, Index number)
      : what(of), kind(Kind::count), here(std::bit_cast<std::uint64_t>(number)) {}
  Agreement(std::string_view of, double number)
      : what(of), kind(Kind::real), here(std::bit_cast<std::uint64_t>(number)) {}
  Agreement(std::string_view of, std::uint64_t checksum) : what(of), kind(Kind::fingerprint), here(checksum) {}
};

namespace detail {
class GradientMemory;
}

/// The processes of a training, counted from 0. Each has the whole model and makes every step; of the parts of
/// a step, and of the batches of an evaluation, each computes its share. All ranks call the same functions in
/// the same order.                                               PyTorch: torch.distributed's process group
///
/// Whatever ends one rank ends all: `fail` tells the others of an error, and each of these functions throws it
/// there as one of the same kind, which begins with the rank: "rank 2: fit: the loss of …". Where a rank does
/// not answer, they throw a `RankError`.
class Ranks {
 public:
  virtual ~Ranks() = default;

  /// This process's number, from 0 on, and how many there are.
  virtual Index rank() const = 0;
  virtual Index count() const = 0;

  /// This rank's share of so many things: consecutive ones, behind those of the ranks before it. The first
  /// ranks have one more where the division leaves a rest.
  Share share(Index things) const { return share(things, rank()); }
  Share share(Index things, Index rank) const {
    const Index each = things / count(), rest = things % count();
    const Index first = rank * each + std::min(rank, rest);
    return {first, first + each + (rank < rest ? 1 : 0)};
  }

  /// Throws a `ConfigError` on a rank where something is not as it is on rank 0.
  virtual void agree(std::initializer_list<Agreement> all) = 0;

  /// What rank 0 says.
  virtual bool answer(bool here) = 0;

  /// Bytes that rank 0 has; `here` is looked at there alone. Good until the next call.
  virtual std::span<const std::byte> broadcast(std::span<const std::byte> here) = 0;

  /// Tells all values to all ranks, each of which has set those of its share, and adds up a struct of counts.
  /// With `gradients`, they are summed, too.
  template <class Counts>
  void exchange(std::span<double> values, Counts& counts, detail::GradientMemory* gradients = nullptr) {
    auto numbers = std::bit_cast<std::array<Index, sizeof(Counts) / sizeof(Index)>>(counts);
    exchange_counts(values, numbers, gradients);
    counts = std::bit_cast<Counts>(numbers);
  }

  /// Called now and then while a rank computes: the others then know that it does not stand still, and an error
  /// of theirs is heard of.
  virtual void progress() = 0;

  /// Tells the others of an error that ends this rank, unless they know it. Then throws it as the others do,
  /// where it is one of slm's; else returns.
  virtual void fail(const std::exception& error) = 0;

  /// Bytes sent so far, by this rank and by all together; questions whether somebody is still there not
  /// counted.
  virtual Index sent() const = 0;
  virtual Index sent_by_all() const = 0;

 protected:
  virtual void exchange_counts(std::span<double> values, std::span<Index> counts,
                               detail::GradientMemory* gradients) = 0;
};

}  // namespace slm
