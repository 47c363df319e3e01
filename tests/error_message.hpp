#pragma once
// What an error says.
#include <string>
#include <string_view>

namespace slm_test {

inline bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// The message of the error of this type that `call` throws, or "no error". Other exceptions pass.
template <class ErrorType, class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const ErrorType& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace slm_test
