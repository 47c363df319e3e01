#pragma once
// Locks between programs, on one machine or on several that share a folder.
#include <string>
#include <string_view>

#include "slm/io/file.hpp"

namespace slm::studies {

/// Opens the file, makes it where it is missing, and waits for its lock: of the file that stands at `path` by
/// then, not of one that was replaced or removed in the meantime. Throws `DataError` where the file system
/// keeps no locks.
///
/// Locks are those of POSIX (`fcntl`), not `flock`: over NFS the server keeps them, so that programs on all its
/// clients and on itself wait for each other, whereas those on the server do not see `flock` of clients. The
/// kernel gives a lock back when the program ends, however it ends, and an NFS server when it has not heard of
/// a client for a while, so that no lock is ever stale. A process loses its locks on a file as soon as it
/// closes any descriptor of that file: what is locked here is opened nowhere else at that time.
detail::Descriptor open_locked(const std::string& path, int flags);

/// Waits until nobody has the lock of an open file, and then keeps everybody from taking it. False where the
/// file system keeps no locks: who only reads can do without.
bool share_lock(const detail::Descriptor& file);

/// A claim on something that one program at a time works on: the lock of a file that says who has it, and that
/// is empty after the claim was given back. The file stays: were it removed, a program on another machine,
/// whose view of the folder is some seconds old, could lock what is gone already.
class Claim {
 public:
  /// Takes the claim unless another program has it. Throws `DataError` where there can be no such file or lock.
  explicit Claim(const std::string& path);
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  ~Claim();

  bool held() const { return file_.number() >= 0; }
  /// Who has it where this program does not: "process 123 on node1 since 2026-11-29 07:30:39 UTC".
  const std::string& holder() const { return holder_; }

 private:
  void write_holder(std::string_view text) const;

  std::string holder_;
  detail::Descriptor file_;
};

}  // namespace slm::studies
