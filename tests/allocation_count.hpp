#pragma once

namespace slm::test {

/// Calls of operator new by the program so far.
long allocation_count();

}  // namespace slm::test
