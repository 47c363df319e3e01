#pragma once
// A training that goes on from one rank's checkpoint. Who has no ranks does not read this.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "slm/data/text_file.hpp"
#include "slm/train/checkpoint.hpp"

namespace slm {

namespace detail {

/// A file of rank 0, on all ranks; sent in pieces, as messages take memory, too.
inline std::vector<std::byte> read_for_all(Ranks& ranks, const std::string& path) {
  std::optional<InputFile> file;
  if (ranks.rank() == 0) file.emplace(path);
  std::uint64_t size = file ? file->size() : 0;
  const auto there = ranks.broadcast(std::as_bytes(std::span(&size, 1)));
  if (!file) std::copy(there.begin(), there.end(), std::as_writable_bytes(std::span(&size, 1)).begin());
  std::vector<std::byte> bytes(size);
  constexpr std::size_t most = std::size_t(1) << 24;
  for (std::size_t begin = 0; begin < size; begin += most) {
    const auto piece = std::span(bytes).subspan(begin, std::min(most, size - begin));
    if (file) file->read(piece);
    const auto sent = ranks.broadcast(piece);
    if (!file) std::copy(sent.begin(), sent.end(), piece.begin());
  }
  return bytes;
}

}  // namespace detail

/// `load_checkpoint` on all ranks of a training, which all call it, from a file of rank 0: it reads the file
/// and sends it to the others, so that machines need no folder in common. Any number of ranks goes on from what
/// any other has saved, with the same bits. Returns whether there was a file; else nothing changes.
///   if (ranks.rank() == 0) save_checkpoint(model, optimizer, state, path);     // as within `on_step`
template <class Model, class Updates, Scalar Real>
bool load_checkpoint(Model& model, Updates& optimizer, FitState<Real>& state, const std::string& path,
                     Ranks& ranks) {
  try {
    const bool is_first = ranks.rank() == 0;
    if (!ranks.answer(is_first && file_exists(path))) return false;
    detail::named_in_errors("load_checkpoint", [&] {
      const std::vector<std::byte> bytes = detail::read_for_all(ranks, path);
      load_checkpoint(model, optimizer, state, SafeTensors::from_bytes(bytes, path));
    });
    return true;
  } catch (const std::exception& error) {
    ranks.fail(error);
    throw;
  }
}

}  // namespace slm
