#pragma once
// Text of unknown origin inside an error message.
#include <string>
#include <string_view>

namespace slm {

/// 'text' with every byte outside printable ASCII written as \xNN, cut after 40 bytes.
/// Call it as slm::quoted: a program that includes <iomanip> has a std::quoted for strings, too.
inline std::string quoted(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  constexpr std::size_t longest = 40;
  std::string result = "'";
  for (const char letter : text.substr(0, longest)) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte >= 0x20 && byte < 0x7f) {
      result += letter;
    } else {
      result += "\\x";
      result += digits[byte / 16];
      result += digits[byte % 16];
    }
  }
  if (text.size() > longest) result += "...";
  return result + "'";
}

}  // namespace slm
