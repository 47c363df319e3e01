#pragma once
// What `fit` needs of ranks, made of messages between two of them.
#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

#include "slm/distributed/message.hpp"
#include "slm/train/gradient_exchange.hpp"

namespace slm {

/// Ranks that talk along a binomial tree: rank r stands below the rank without its lowest bit. What goes up is
/// merged in the order of the ranks, so that each stands for consecutive ones; what goes down is rank 0's.
class RankTree : public Ranks {
 public:
  void agree(std::initializer_list<Agreement> all) override;
  bool answer(bool here) override;
  std::span<const std::byte> broadcast(std::span<const std::byte> here) override;
  void fail(const std::exception& error) override;
  Index sent() const override { return sent_; }
  Index sent_by_all() const override { return sent_by_all_; }

 protected:
  /// Kinds of errors, as ranks tell them.
  enum class ErrorKind : unsigned char { other, shape, range, data, numeric, config, rank };

  /// Sends a message to other ranks. Waits for the next one of another rank, which goes on to others as it
  /// comes and is good until the next call. Both throw by `throw_failure` what ends them.
  virtual void send(std::span<const Index> to, std::span<const std::byte> message) = 0;
  virtual std::span<const std::byte> receive(Index from, std::span<const Index> pass_to) = 0;
  /// Tells all ranks of an error of this one, as well as can be.
  virtual void tell(ErrorKind kind, const std::string& text) = 0;

  /// Waits until all ranks are here.
  void finish();
  /// Ends this rank by an error that the others know.
  [[noreturn]] void throw_failure(ErrorKind kind, const std::string& text);
  bool failed() const { return failed_; }

 private:
  enum class Task : Index { exchange, broadcast, finish };

  void exchange_counts(std::span<double> values, std::span<Index> counts,
                       detail::GradientMemory* gradients) override {
    told([&] { run_exchange(Task::exchange, values, counts, gradients); });
  }
  void run_exchange(Task task, std::span<double> values, std::span<Index> counts,
                    detail::GradientMemory* gradients);
  static std::string text_of(Agreement::Kind kind, std::uint64_t bits);
  template <class Visit>
  static void for_each_kind(const Visit& visit);
  template <class Work>
  void told(const Work& work);
  void begin(Task task, Index things);
  detail::MessageReader read_from(Index rank, std::span<const Index> pass_to);
  void read_sums(detail::MessageReader& message, detail::GradientMemory& gradients);
  void write_sums(detail::GradientMemory& gradients);
  void send_down();
  void count_down(std::size_t bytes);
  /// The lowest bit of this rank's number, or of rank 0 one that no rank has: below it stand the others.
  Index below() const;
  [[noreturn]] void throw_error_of(ErrorKind kind, const std::string& text) const;

  detail::MessageWriter out_;
  Task task_ = Task::exchange;
  Index number_ = 0, things_ = 0;  // of this task, so that ranks which do different ones find out
  Index sent_ = 0, sent_by_all_ = 0;
  bool failed_ = false;
  ErrorKind failure_kind_ = ErrorKind::other;
  std::string failure_;
  std::vector<std::byte> sum_;
  std::vector<Index> children_;  // the ranks next below this one, the farthest first, as it has most below it
};

inline Index RankTree::below() const {
  if (rank() != 0) return rank() & -rank();
  Index bit = 1;
  while (bit < count()) bit *= 2;
  return bit;
}

inline void RankTree::begin(Task task, Index things) {
  if (failed_) throw_error_of(failure_kind_, failure_);
  task_ = task, things_ = things;
  ++number_;
  children_.clear();
  for (Index step = below() / 2; step >= 1; step /= 2) {
    if (rank() + step < count()) children_.push_back(rank() + step);
  }
  out_.clear();
  out_.number(static_cast<Index>(task_));
  out_.number(number_);
  out_.number(things_);
}

/// The message of another rank, behind what it is about.
inline detail::MessageReader RankTree::read_from(Index from, std::span<const Index> pass_to) {
  const std::span<const std::byte> bytes = receive(from, pass_to);
  if (from < rank()) count_down(bytes.size());  // from above
  detail::MessageReader message(bytes);
  const auto task = static_cast<Task>(message.number<Index>());
  const auto number = message.number<Index>(), things = message.number<Index>();
  if (task != task_ || number != number_ || things != things_) {
    const auto text = [](Task its, Index which, Index values) {
      const char* name = its == Task::exchange    ? "an exchange"
                         : its == Task::broadcast ? "a broadcast"
                                                  : "the end";
      return make_text({name, " of ", values, " values as task ", which});
    };
    throw_error<RankError>({"expected of rank ", from, " ", text(task_, number_, things_), ", got ",
                            text(task, number, things), ": all ranks must do the same in the same order"});
  }
  return message;
}

/// Rank 0's message, which the others pass on as it comes.
inline void RankTree::send_down() {
  send(children_, out_.bytes());
  count_down(out_.bytes().size());
}
inline void RankTree::count_down(std::size_t bytes) {
  const auto size = static_cast<Index>(bytes);
  sent_ += static_cast<Index>(children_.size()) * size;
  sent_by_all_ += (count() - 1) * size;  // each but rank 0 gets it once
}

inline void RankTree::write_sums(detail::GradientMemory& gradients) {
  const auto subtrees = gradients.subtrees();
  out_.number(static_cast<Index>(subtrees.size()));
  for (std::size_t i = 0; i < subtrees.size(); ++i) {
    out_.number(subtrees[i].level);
    out_.number(subtrees[i].index);
    for (const auto& rows : gradients.rows()) {
      out_.rows(gradients.sum(i) + rows.offset, rows.count, rows.bytes);
    }
  }
}

inline void RankTree::read_sums(detail::MessageReader& message, detail::GradientMemory& gradients) {
  sum_.resize(gradients.bytes_of_sum());
  for (auto subtrees = message.number<Index>(); subtrees > 0; --subtrees) {
    Subtree subtree;
    subtree.level = message.number<Index>();
    subtree.index = message.number<Index>();
    for (const auto& rows : gradients.rows()) message.rows(sum_.data() + rows.offset, rows.count, rows.bytes);
    gradients.fold(subtree, sum_.data());
  }
}

/// Does what ranks do together: an error of this one is told to the others.
template <class Work>
void RankTree::told(const Work& work) {
  if (count() == 1) return;
  try {
    work();
  } catch (const std::exception& error) {
    fail(error);
    throw;
  }
}

inline void RankTree::finish() {
  told([&] { run_exchange(Task::finish, {}, {}, nullptr); });
}

inline void RankTree::run_exchange(Task task, std::span<double> values, std::span<Index> counts,
                                   detail::GradientMemory* gradients) {
  begin(task, static_cast<Index>(values.size()));
  const auto values_of = [&](Share its) {
    return values.subspan(static_cast<std::size_t>(its.first), static_cast<std::size_t>(its.end - its.first));
  };
  // Up: this rank's share and those of the ranks below it.
  Share own = share(things_);
  Index sent = 0;
  for (Index step = 1; step < below() && rank() + step < count(); step *= 2) {
    const Index from = rank() + step, last = std::min(from + step, count()) - 1;
    detail::MessageReader message = read_from(from, {});
    message.numbers(values_of({share(things_, from).first, share(things_, last).end}));
    own.end = share(things_, last).end;
    for (Index& sum : counts) sum = count_sum(sum, message.number<Index>());
    sent += message.number<Index>();
    if (gradients) read_sums(message, *gradients);
  }
  if (rank() == 0) {
    out_.numbers(std::span<const double>(values));
    out_.numbers(std::span<const Index>(counts));
    out_.number(sent);
    if (gradients) {
      for (const auto& rows : gradients->rows()) out_.rows(rows.gradient, rows.count, rows.bytes);
    }
    send_down();
  } else {
    const Index above = rank() - below();
    out_.numbers(std::span<const double>(values_of(own)));
    out_.numbers(std::span<const Index>(counts));
    const std::size_t before_sent = out_.bytes().size();
    out_.number(sent);
    if (gradients) write_sums(*gradients);
    out_.set_number(before_sent, sent + static_cast<Index>(out_.bytes().size()));
    sent_ += static_cast<Index>(out_.bytes().size());
    send({&above, 1}, out_.bytes());
    // Down: the whole.
    detail::MessageReader message = read_from(above, children_);
    message.numbers(values);
    message.numbers(counts);
    sent = message.number<Index>();
    if (gradients) {
      for (const auto& rows : gradients->rows()) message.rows(rows.gradient, rows.count, rows.bytes);
    }
  }
  sent_by_all_ += sent;
}

inline std::span<const std::byte> RankTree::broadcast(std::span<const std::byte> here) {
  told([&] {
    begin(Task::broadcast, 0);
    if (rank() != 0) {
      here = read_from(rank() - below(), children_).rest();
      return;
    }
    out_.numbers(here);
    send_down();
  });
  return here;
}

inline bool RankTree::answer(bool here) {
  const std::byte said{here};
  return broadcast({&said, 1}).front() != std::byte{0};
}

inline void RankTree::agree(std::initializer_list<Agreement> all) {
  told([&] {
    detail::MessageWriter here;
    for (const Agreement& its : all) here.number(its.here);
    detail::MessageReader first(broadcast(here.bytes()));
    for (const Agreement& its : all) {
      const auto there = first.number<std::uint64_t>();
      require_config(there == its.here,
                     {"expected all ranks to have the same ", its.what, ": rank 0 has ",
                      text_of(its.kind, there), ", rank ", rank(), " has ", text_of(its.kind, its.here)});
    }
  });
}

inline std::string RankTree::text_of(Agreement::Kind kind, std::uint64_t bits) {
  if (kind == Agreement::Kind::real) return make_text({std::bit_cast<double>(bits)});
  if (kind == Agreement::Kind::count) return make_text({std::bit_cast<Index>(bits)});
  std::array<char, 16> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), bits, 16);
  return {digits.data(), end};
}

/// Calls visit<Kind>(kind) for every kind of error that slm has a type of.
template <class Visit>
void RankTree::for_each_kind(const Visit& visit) {
  visit.template operator()<ShapeError>(ErrorKind::shape);
  visit.template operator()<RangeError>(ErrorKind::range);
  visit.template operator()<DataError>(ErrorKind::data);
  visit.template operator()<NumericError>(ErrorKind::numeric);
  visit.template operator()<ConfigError>(ErrorKind::config);
  visit.template operator()<RankError>(ErrorKind::rank);
}

inline void RankTree::throw_error_of(ErrorKind kind, const std::string& text) const {
  for_each_kind([&]<class Kind>(ErrorKind its) {
    if (its == kind) throw Kind(text);
  });
  throw Error(text);
}

inline void RankTree::throw_failure(ErrorKind kind, const std::string& text) {
  failed_ = true;
  failure_kind_ = kind, failure_ = text;
  throw_error_of(kind, text);
}

inline void RankTree::fail(const std::exception& error) {
  if (failed_ || count() == 1) return;
  auto kind = ErrorKind::other;
  for_each_kind([&]<class Kind>(ErrorKind its) {
    if (dynamic_cast<const Kind*>(&error)) kind = its;
  });
  failed_ = true;
  failure_kind_ = kind, failure_ = make_text({"rank ", rank(), ": ", error.what()});
  tell(kind, failure_);
  if (dynamic_cast<const Error*>(&error)) throw_error_of(kind, failure_);
}

}  // namespace slm
