#include "harness/text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "slm/core/scalar.hpp"

namespace slm::studies {

namespace {

template <class... Numbers>
std::string formatted(const char* format, Numbers... numbers) {
  char text[64];
  std::snprintf(text, sizeof text, format, numbers...);
  return text;
}

}  // namespace

std::string with_commas(Index number) {
  std::string text = std::to_string(number);
  const std::ptrdiff_t first = number < 0 ? 1 : 0;
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > first; at -= 3) {
    text.insert(text.begin() + at, ',');
  }
  return text;
}

std::string fixed(double number, int digits) {
  // A diverging run's loss has more digits than any column.
  return std::abs(number) < 1e9 ? formatted("%.*f", digits, number) : scientific(number);
}

std::string scientific(double number) {
  if (!is_finite(number)) return "not finite";
  const std::string text = formatted("%.2e", number);
  const std::size_t exponent = text.find('e');
  return text.substr(0, exponent + 1) + std::to_string(std::stoi(text.substr(exponent + 1)));
}

std::string shortest(double number) { return formatted("%g", number); }

std::string clock_time(double seconds) {
  const auto total = static_cast<int>(std::ceil(std::clamp(seconds, 0.0, 1e9)));
  const int hours = total / 3600, minutes = total / 60 % 60;
  return hours > 0 ? formatted("%d:%02d:%02d", hours, minutes, total % 60)
                   : formatted("%d:%02d", minutes, total % 60);
}

std::string counted(Index count, std::string_view noun) {
  return with_commas(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : std::string(separator)) + part;
  return text;
}

std::string file_name_part(std::string_view text) {
  std::string part;
  for (const char letter : text) {
    if (letter >= 'A' && letter <= 'Z') {
      part += static_cast<char>(letter - 'A' + 'a');
    } else if ((letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '_' ||
               letter == '.' || letter == '-') {
      part += letter;
    }
  }
  return part;
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;  // not a continuation of a character
  }));
}

}  // namespace slm::studies
