#pragma once

namespace slm::test {

/// Calls of operator new by the program so far; autograd/allocation_test.cpp counts them.
long allocation_count();

}  // namespace slm::test
