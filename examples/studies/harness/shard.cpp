#include "harness/shard.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>

namespace slm::studies {

namespace {

/// A number and nothing else; 0 where the text is none.
Index number_from(std::string_view text) {
  Index number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

}  // namespace

std::optional<Shard> shard_from_text(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const Shard shard{number_from(text.substr(0, slash)), number_from(text.substr(slash + 1))};
  const bool exists = 1 <= shard.number && shard.number <= shard.count;
  return exists ? std::optional(shard) : std::nullopt;
}

std::string shard_text(const Shard& shard) {
  return std::to_string(shard.number) + "/" + std::to_string(shard.count);
}

std::vector<bool> dealt_to(const Shard& shard, const std::vector<double>& costs) {
  std::vector<std::size_t> order(costs.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return costs[a] > costs[b]; });
  std::vector<bool> dealt(costs.size(), false);
  for (auto i = static_cast<std::size_t>(shard.number - 1); i < order.size();
       i += static_cast<std::size_t>(shard.count)) {
    dealt[order[i]] = true;
  }
  return dealt;
}

}  // namespace slm::studies
