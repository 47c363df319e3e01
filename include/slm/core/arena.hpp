#pragma once
// Memory that is handed out in order and taken back all at once: a training step's activations.
#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "slm/core/tensor.hpp"

namespace slm {

/// Bump allocator over blocks of memory, each as large as all before it. `rewind` keeps the blocks, so that
/// from the second step of a training run on nothing is allocated. Not thread safe: one arena, one thread.
class Arena {
 public:
  Arena() = default;
  /// Takes the memory along; the other arena is empty then.
  Arena(Arena&& other) noexcept
      : blocks_(std::exchange(other.blocks_, {})),
        current_(std::exchange(other.current_, 0)),
        offset_(std::exchange(other.offset_, 0)),
        full_(std::exchange(other.full_, 0)),
        high_water_(std::exchange(other.high_water_, 0)) {}
  Arena& operator=(Arena&&) = delete;

  /// Uninitialised memory for `count` objects that need no destructor, aligned to 64 bytes: a library's product
  /// may sum in another order where its operands lie otherwise.
  template <class T>
  requires std::is_trivially_destructible_v<T> T* take(Index count) {
    return static_cast<T*>(take_objects(count, sizeof(T)));
  }

  /// One object, packed as closely as its alignment allows.
  template <class T>
  requires std::is_trivially_destructible_v<T> T* make(const T& object) {
    static_assert(alignof(T) <= small);
    return new (take_object(sizeof(T))) T(object);
  }
  /// Memory for one of so many bytes.
  void* take_object(std::size_t bytes) { return take_bytes(bytes, small); }

  /// Takes everything back. Pointers handed out before are invalid. Steps that ask for larger and larger pieces
  /// leave blocks that nothing fits in: when there are too many, all are joined into one.
  void rewind() {
    high_water_ = std::max(high_water_, used());
    full_ = 0;  // first, so that the arena is empty and whole where there is no memory for the new block
    offset_ = 0;
    current_ = 0;
    std::size_t capacity = 0;
    for (const Slab& block : blocks_) capacity += block.size;
    if (blocks_.size() > 1 && capacity > 4 * high_water_) {
      blocks_.clear();
      add_block(high_water_);
    }
  }

  /// Takes everything back and has room for `bytes`, in one block.
  void reserve(std::size_t bytes) {
    rewind();
    if (blocks_.size() == 1 ? blocks_[0].size >= bytes : bytes == 0) return;
    blocks_.clear();
    add_block(bytes);
  }

  /// A place to go back to with `rewind_to`.
  struct Mark {
    std::size_t block = 0, offset = 0, full = 0;
  };
  Mark mark() const { return {current_, offset_, full_}; }
  void rewind_to(const Mark& mark) {
    high_water_ = std::max(high_water_, used());
    current_ = mark.block;
    offset_ = mark.offset;
    full_ = mark.full;
  }

  /// Bytes handed out since the last `rewind`, and the most there ever were.
  std::size_t used() const { return full_ + offset_; }
  std::size_t high_water() const { return std::max(high_water_, used()); }

 private:
  struct Free {
    void operator()(std::byte* memory) const { ::operator delete(memory, std::align_val_t(alignment)); }
  };
  struct Slab {
    std::unique_ptr<std::byte, Free> memory;
    std::size_t size;
  };

  static constexpr std::size_t small = 16;  // alignment of single objects

  [[gnu::noinline]] void* take_objects(Index count, std::size_t bytes_each) {
    if (count > static_cast<Index>(std::size_t(-1) / 2 / bytes_each)) {
      throw_no_memory(static_cast<double>(count) * static_cast<double>(bytes_each));
    }
    return take_bytes(static_cast<std::size_t>(count) * bytes_each, alignment);
  }

  [[gnu::noinline]] void* take_bytes(std::size_t bytes, std::size_t unit) {
    bytes = (bytes + unit - 1) / unit * unit;
    offset_ = (offset_ + unit - 1) / unit * unit;
    while (current_ < blocks_.size() &&
           (offset_ > blocks_[current_].size || blocks_[current_].size - offset_ < bytes)) {
      full_ += (offset_ + alignment - 1) / alignment * alignment;  // as much as in blocks joined to one
      offset_ = 0;
      ++current_;
    }
    if (current_ == blocks_.size()) add_block(std::max({bytes, std::size_t(1) << 16, used()}));
    std::byte* memory = blocks_[current_].memory.get() + offset_;
    offset_ += bytes;
    return memory;
  }

  [[gnu::noinline]] void add_block(std::size_t bytes) {
    std::unique_ptr<std::byte, Free> memory;
    try {
      memory.reset(static_cast<std::byte*>(::operator new(bytes, std::align_val_t(alignment))));
    } catch (const std::bad_alloc&) {
      throw_no_memory(static_cast<double>(bytes));
    }
    blocks_.push_back({std::move(memory), bytes});
  }

  [[noreturn, gnu::noinline]] void throw_no_memory(double bytes) const {
    throw_error<Error>({"Arena: there is no memory for ", bytes / 1e9, " GB more of a step's values, after ",
                        static_cast<double>(used()) / 1e9, " GB"});
  }

  std::vector<Slab> blocks_;
  std::size_t current_ = 0;  // the block in use
  std::size_t offset_ = 0;   // bytes taken from it
  std::size_t full_ = 0;     // bytes taken from the blocks before it
  std::size_t high_water_ = 0;
};

}  // namespace slm
