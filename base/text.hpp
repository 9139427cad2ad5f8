// Text as protocols have it, whatever the locale says. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

inline constexpr std::string_view white_space = " \t\r\n\f\v"; // what the C locale calls so

// Without any of `blanks` at both ends. Refers to `text`.
std::string_view trim(std::string_view text, std::string_view blanks = white_space);

// Nothing but white space.
bool is_blank(std::string_view text);

// A byte below 0x20, line breaks and tabs too, or 0x7f.
bool has_control_characters(std::string_view text);

// The letters A to Z as small ones; every other byte stays.
std::string ascii_lower(std::string_view text);

// A token of HTTP, such as a method or the name of a field (RFC 9110, section 5.6.2).
bool is_http_token(std::string_view text);

// Of a hexadecimal digit, large or small; -1 of every other byte.
int hex_value(char c);

// Two small digits for each byte.
std::string to_hex(std::string_view bytes);
// Sixteen small digits.
std::string to_hex(uint64_t number);

// Everything but unreserved characters, and those in `also_plain`, as %XX (RFC 3986, section 2).
std::string percent_encode(std::string_view text, std::string_view also_plain = {});

// %41 → A; nullopt when an escape is malformed.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

// The words between any of `separators`, none of them empty; the first `words_max` of them. They refer to `text`.
std::vector<std::string_view> words_of(std::string_view text, std::string_view separators,
                                       size_t words_max = std::string_view::npos);

// "1 byte", "12.3 KiB"
std::string byte_count(uint64_t bytes);

} // namespace varro
