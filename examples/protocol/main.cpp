// The paper's protocol and figures as JSON, for what is not written in C++.
//
//   protocol >docs/results/protocol.json
#include <iostream>

#include "harness/protocol_json.hpp"

int main() {
  std::cout << slm::studies::protocol_json();
  return std::cout.flush() ? 0 : 1;
}
