#pragma once
// Ranks over MPI. A program that includes this is linked with slm::mpi; slm.hpp does not read it.
#include <sched.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// The C interface alone: that of C++ was taken out of the standard.
#ifndef OMPI_SKIP_MPICXX
#define OMPI_SKIP_MPICXX 1
#endif
#ifndef MPICH_SKIP_MPICXX
#define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>

#include "slm/core/clock.hpp"
#include "slm/distributed/load_checkpoint.hpp"
#include "slm/distributed/rank_tree.hpp"

namespace slm {

/// How ranks wait for each other.
struct MpiConfig {
  double limit = 60;  // seconds after which a rank that makes no progress ends the training
};

/// The processes that mpirun started, all of them; one alone where there was no mpirun. Made at the beginning
/// of main and once: it begins and ends MPI, if the program has not. MPI is called by the thread that made it
/// alone, and only carries messages: it never adds.
///   MpiRanks ranks;
///   fit(model, optimizer, train, valid, dropout, {.micro_batches = 8, …, .ranks = &ranks});
/// A rank that is destroyed waits for all others to be; where an exception destroys it, the others end, too.
///
/// A rank that waits for another looks for messages and sleeps a little between, because MPI's own waiting
/// takes a whole core, which a rank on the same machine may need, and would neither see a limit nor hear of an
/// error. It asks the one it waits for now and then whether that is there. One that waits itself, or calls
/// `progress` as it computes, answers; so it is the rank that really stands still which is found after `limit`
/// seconds, and named in the `RankError` that ends all.
class MpiRanks final : public RankTree {
 public:
  explicit MpiRanks(const MpiConfig& config = {});
  MpiRanks(const MpiRanks&) = delete;
  MpiRanks& operator=(const MpiRanks&) = delete;
  ~MpiRanks() override;

  Index rank() const override { return rank_; }
  Index count() const override { return count_; }
  void progress() override { serve(); }

 private:
  /// Of messages beside the data: what ends a rank, that this was heard, and whether one is there.
  enum Tag : int { failure, heard, question, reply };
  /// What a rank that waits for none replies.
  static constexpr int computes = -1, has_ended = -2;
  /// Of a message, in bytes: so few that MPI sends it without asking first, and that it goes on to others long
  /// before the message is whole. So many are under way at once.
  static constexpr std::size_t piece = 32 << 10, pieces_ahead = 64;

  void send(std::span<const Index> to, std::span<const std::byte> message) override;
  std::span<const std::byte> receive(Index from, std::span<const Index> pass_to) override;
  void tell(ErrorKind kind, const std::string& text) override;

  void check(int code, const char* call) const;
  void say(int to, Tag tag, std::string_view bytes);
  void serve();
  void wait_for(Index other, MPI_Request& request);
  void begin_sends(std::span<const Index> to, const void* bytes, std::size_t count);
  void finish_sends(std::size_t but);
  static void pause(Index polls);

  MpiConfig config_;
  bool ends_mpi_ = false;
  int exceptions_;  // under way when this was made
  Index rank_ = 0, count_ = 1;
  MPI_Comm data_ = MPI_COMM_NULL, control_ = MPI_COMM_NULL;
  struct Sending {
    Index to;
    MPI_Request request;
  };
  std::uint64_t size_ = 0;  // of the message that comes or goes
  std::vector<std::byte> incoming_;
  std::vector<Sending> sends_;
  std::size_t first_send_ = 0;  // that has not ended
  std::vector<MPI_Request> receives_;
  int waits_for_ = computes;
  double alive_ = 0;      // when the one that it waits for was last known not to stand still
  std::string_view why_;  // it does, if it has said so
  bool ended_ = false;
  Index heard_ = 0;  // by so many ranks, what this one told
};

inline void MpiRanks::check(int code, const char* call) const {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int size = 0;
  MPI_Error_string(code, text, &size);
  throw_error<RankError>({call, ": ", std::string_view(text, static_cast<std::size_t>(size))});
}

inline MpiRanks::MpiRanks(const MpiConfig& config) : config_(config), exceptions_(std::uncaught_exceptions()) {
  require_config(is_finite(config.limit) && config.limit > 0,
                 {"MpiRanks: the limit must be positive, got ", config.limit});
  int begun = 0, level = 0, rank = 0, count = 0;
  MPI_Initialized(&begun);
  if (begun == 0) {
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &level), "MPI_Init_thread");
    ends_mpi_ = true;
  }
  for (MPI_Comm* its : {&data_, &control_}) {
    check(MPI_Comm_dup(MPI_COMM_WORLD, its), "MPI_Comm_dup");
    check(MPI_Comm_set_errhandler(*its, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  }
  check(MPI_Comm_rank(data_, &rank), "MPI_Comm_rank");
  check(MPI_Comm_size(data_, &count), "MPI_Comm_size");
  rank_ = rank, count_ = count;
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}) {
    const char* started = std::getenv(variable);
    if (count > 1 || !started || std::atoi(started) <= 1) continue;
    throw_error<RankError>({"MpiRanks: mpirun started ", started,
                            " processes, but each is alone: expected the ",
                            "mpirun of the MPI that this program was built with, got another's"});
  }
}

/// Polls at once while an answer may be a few microseconds away, then leaves the core to others: first to who
/// wants it, then by sleeping, longer and longer, up to half a millisecond.
inline void MpiRanks::pause(Index polls) {
  if (polls < 100) return;
  if (polls < 200) {
    ::sched_yield();
    return;
  }
  const timespec time{0, static_cast<long>(std::min<Index>(500'000, 1'000 * (polls - 199)))};
  ::nanosleep(&time, nullptr);
}

/// Sends a few bytes beside the data. Nobody waits for them to arrive.
inline void MpiRanks::say(int to, Tag tag, std::string_view bytes) {
  check(MPI_Send(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, to, tag, control_), "MPI_Send");
}

/// Hears what others say beside the data: throws what has ended one of them, and answers questions.
inline void MpiRanks::serve() {
  for (;;) {
    int there = 0, size = 0;
    MPI_Status status;
    check(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, control_, &there, &status), "MPI_Iprobe");
    if (there == 0) return;
    const int from = status.MPI_SOURCE;
    check(MPI_Get_count(&status, MPI_BYTE, &size), "MPI_Get_count");
    std::string bytes(static_cast<std::size_t>(size), '\0');
    check(MPI_Recv(bytes.data(), size, MPI_BYTE, from, status.MPI_TAG, control_, MPI_STATUS_IGNORE),
          "MPI_Recv");
    switch (static_cast<Tag>(status.MPI_TAG)) {
      case failure:
        say(from, heard, "");
        if (!failed()) throw_failure(static_cast<ErrorKind>(bytes.at(0)), bytes.substr(1));
        break;
      case heard:
        ++heard_;
        break;
      case question:
        say(from, reply, std::to_string(ended_ ? has_ended : waits_for_));
        break;
      case reply:
        if (from != waits_for_) break;  // an old one
        // Two that wait for each other stand still, and so does one that has ended.
        why_ = bytes == std::to_string(has_ended) ? " has ended"
               : bytes == std::to_string(rank_)   ? " waits for this one"
                                                  : "";
        if (why_.empty()) alive_ = detail::clock_seconds();
        break;
    }
  }
}

/// Polls until the request is done, for as long as the other rank makes progress.
inline void MpiRanks::wait_for(Index other, MPI_Request& request) {
  waits_for_ = static_cast<int>(other);
  alive_ = detail::clock_seconds();
  why_ = {};
  double asked = alive_;
  for (Index polls = 0;; ++polls) {
    int done = 0;
    check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
    if (done != 0) break;
    serve();
    const double now = detail::clock_seconds();
    if (now - alive_ > config_.limit) {
      throw_error<RankError>({"rank ", other, why_.empty() ? " makes no progress" : why_, ": waited ",
                              config_.limit, " s for it"});
    }
    if (now - asked > config_.limit / 8) {
      say(static_cast<int>(other), question, "");
      asked = now;
    }
    pause(polls);
  }
  waits_for_ = computes;
}

inline void MpiRanks::begin_sends(std::span<const Index> to, const void* bytes, std::size_t count) {
  finish_sends(pieces_ahead * to.size());
  for (const Index rank : to) {
    sends_.push_back({rank, MPI_REQUEST_NULL});
    check(MPI_Isend(bytes, static_cast<int>(count), MPI_BYTE, static_cast<int>(rank), 0, data_,
                    &sends_.back().request),
          "MPI_Isend");
  }
}
/// Waits for all sends but so many.
inline void MpiRanks::finish_sends(std::size_t but) {
  for (; sends_.size() > first_send_ + but; ++first_send_) {
    wait_for(sends_[first_send_].to, sends_[first_send_].request);
  }
  if (but > 0) return;
  sends_.clear();
  first_send_ = 0;
}

/// Its size, then its pieces: they arrive in this order.
inline void MpiRanks::send(std::span<const Index> to, std::span<const std::byte> message) {
  size_ = message.size();
  begin_sends(to, &size_, sizeof size_);
  for (std::size_t begin = 0; begin < size_; begin += piece) {
    begin_sends(to, message.data() + begin, std::min<std::size_t>(piece, size_ - begin));
  }
  finish_sends(0);
}

inline std::span<const std::byte> MpiRanks::receive(Index from, std::span<const Index> pass_to) {
  const auto begin_receive = [&](void* bytes, std::size_t count, MPI_Request& request) {
    check(MPI_Irecv(bytes, static_cast<int>(count), MPI_BYTE, static_cast<int>(from), 0, data_, &request),
          "MPI_Irecv");
  };
  MPI_Request request;
  begin_receive(&size_, sizeof size_, request);
  wait_for(from, request);
  begin_sends(pass_to, &size_, sizeof size_);
  if (incoming_.size() < size_) incoming_.resize(size_);
  receives_.resize((size_ + piece - 1) / piece);
  const auto bytes_of = [&](std::size_t i) { return std::min<std::size_t>(piece, size_ - i * piece); };
  std::size_t begun = 0;
  for (std::size_t i = 0; i < receives_.size(); ++i) {
    for (; begun < std::min(receives_.size(), i + pieces_ahead); ++begun) {
      begin_receive(incoming_.data() + begun * piece, bytes_of(begun), receives_[begun]);
    }
    wait_for(from, receives_[i]);
    begin_sends(pass_to, incoming_.data() + i * piece, bytes_of(i));
  }
  finish_sends(0);
  return {incoming_.data(), size_};
}

inline void MpiRanks::tell(ErrorKind kind, const std::string& text) {
  ended_ = true;
  std::string all(1, static_cast<char>(kind));
  all += text.substr(0, 2000);  // short enough to be sent without the other's asking for it
  for (int other = 0; other < static_cast<int>(count_); ++other) {
    if (other != static_cast<int>(rank_)) say(other, failure, all);
  }
  // A rank that ends may take the others with it, as mpirun sees to it: they shall hear why before.
  const double start = detail::clock_seconds();
  for (Index polls = 0; heard_ < count_ - 1 && detail::seconds_since(start) < 2; ++polls) {
    serve();
    pause(polls);
  }
}

inline MpiRanks::~MpiRanks() {
  try {
    if (std::uncaught_exceptions() > exceptions_) fail(Error("ended by an exception"));
    if (!failed()) {
      config_.limit = std::numeric_limits<double>::infinity();  // rank 0 may have things to do
      ended_ = true;
      finish();
    }
  } catch (const std::exception&) {
    // What ends the others was told, and here an error is under way or none was asked for.
  }
  // Ending MPI waits for all ranks, which may be gone.
  if (!ends_mpi_ || (failed() && count_ > 1)) return;
  MPI_Comm_free(&data_);
  MPI_Comm_free(&control_);
  MPI_Finalize();
}

}  // namespace slm
