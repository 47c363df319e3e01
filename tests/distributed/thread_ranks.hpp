#pragma once
// Ranks that are threads of one process: what is tested with them needs no MPI.
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "slm/distributed/rank_tree.hpp"

namespace slm_test {

using slm::Index;

/// What lies between ranks.
class Network {
 public:
  using Bytes = std::vector<std::byte>;

  void send(Index from, Index to, std::span<const std::byte> message) {
    const std::lock_guard lock(mutex_);
    bytes_ += static_cast<Index>(message.size());
    messages_[{from, to}].emplace_back(message.begin(), message.end());
    changed_.notify_all();
  }
  /// Nothing where an error came before a message did.
  std::optional<Bytes> receive(Index from, Index to) {
    std::unique_lock lock(mutex_);
    auto& waiting = messages_[{from, to}];
    changed_.wait(lock, [&] { return !waiting.empty() || error_; });
    if (waiting.empty()) return std::nullopt;
    Bytes message = std::move(waiting.front());
    waiting.pop_front();
    return message;
  }
  /// The first error that was told is that of all.
  void tell(int kind, const std::string& text) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = {kind, text};
    changed_.notify_all();
  }
  std::optional<std::pair<int, std::string>> error() {
    const std::lock_guard lock(mutex_);
    return error_;
  }
  Index bytes() const { return bytes_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::pair<Index, Index>, std::deque<Bytes>> messages_;
  std::optional<std::pair<int, std::string>> error_;
  Index bytes_ = 0;
};

class ThreadRanks final : public slm::RankTree {
 public:
  ThreadRanks(Network& network, Index rank, Index count) : network_(network), rank_(rank), count_(count) {}

  Index rank() const override { return rank_; }
  Index count() const override { return count_; }
  void progress() override {
    if (const auto error = network_.error(); error && !failed()) {
      throw_failure(static_cast<ErrorKind>(error->first), error->second);
    }
  }

 private:
  void send(std::span<const Index> to, std::span<const std::byte> message) override {
    for (const Index rank : to) network_.send(rank_, rank, message);
  }
  std::span<const std::byte> receive(Index from, std::span<const Index> pass_to) override {
    auto message = network_.receive(from, rank_);
    if (!message) progress();
    received_ = std::move(message.value());
    send(pass_to, received_);
    return received_;
  }
  void tell(ErrorKind kind, const std::string& text) override { network_.tell(static_cast<int>(kind), text); }

  Network& network_;
  Index rank_, count_;
  Network::Bytes received_;
};

/// Runs work(ranks) as so many ranks, and returns what each has thrown, as the text of the error, "" where it
/// has not; `bytes`, if given, is what they have sent.
inline std::vector<std::string> run_ranks(Index count, const std::function<void(slm::Ranks&)>& work,
                                          Index* bytes = nullptr) {
  Network network;
  std::vector<std::string> errors(static_cast<std::size_t>(count));
  std::vector<std::thread> threads;
  for (Index rank = 0; rank < count; ++rank) {
    threads.emplace_back([&, rank] {
      ThreadRanks ranks(network, rank, count);
      try {
        work(ranks);
      } catch (const std::exception& error) {
        errors[static_cast<std::size_t>(rank)] = error.what();
        try {
          ranks.fail(error);
        } catch (const std::exception&) {
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (bytes) *bytes = network.bytes();
  return errors;
}

}  // namespace slm_test
