#pragma once
// Numbers as people read them.
#include <string>
#include <string_view>
#include <vector>

#include "slm/core/shape.hpp"

namespace slm::studies {

/// "1,073,345".
std::string with_commas(Index number);

/// With so many digits after the point: "2.0058"; a number that is not finite says so.
std::string fixed(double number, int digits);

/// Three digits and a power of ten, written as the paper does: "4.12e13".
std::string scientific(double number);

/// With as many of six digits as it needs: "0.001", "3e-05".
std::string shortest(double number);

/// Minutes and seconds, or hours too where there are any: "0:42", "1:02:03".
std::string clock_time(double seconds);

/// "1 epoch", "3 epochs", "50,000 windows".
std::string counted(Index count, std::string_view noun);

/// "a, b, c".
std::string joined(const std::vector<std::string>& parts, std::string_view separator);

/// Only small letters, digits, '_', '.' and '-', for a file name: "L = 3" becomes "l3".
std::string file_name_part(std::string_view text);

/// Columns a terminal needs for a text in UTF-8 without wide characters.
std::size_t columns(std::string_view text);

}  // namespace slm::studies
