// Normalisation as UAX #15 describes it: decompose, order by combining class, compose.

#include "unicode.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace driftline {
namespace {

struct Row {
  std::uint32_t a, b, c;
};
#include "nfc_tables.inc"

// Hangul syllables are composed by arithmetic (The Unicode Standard, 3.12).
constexpr char32_t syllables = 0xAC00, leading = 0x1100, vowels = 0x1161, trailing = 0x11A7;
constexpr char32_t leading_count = 19, vowel_count = 21, trailing_count = 28;
constexpr char32_t syllable_count = leading_count * vowel_count * trailing_count;

std::uint32_t combining_class(char32_t c) {
  const auto found = std::lower_bound(combining_classes.begin(), combining_classes.end(), c,
                                      [](const Row& row, char32_t wanted) { return row.b < wanted; });
  return found != combining_classes.end() && found->a <= c ? found->c : 0;
}

void decompose(char32_t c, std::u32string& out) {
  if (c >= syllables && c < syllables + syllable_count) {
    const char32_t index = c - syllables;
    out += leading + index / (vowel_count * trailing_count);
    out += vowels + index % (vowel_count * trailing_count) / trailing_count;
    if (index % trailing_count != 0) out += trailing + index % trailing_count;
    return;
  }
  const auto found = std::lower_bound(decompositions.begin(), decompositions.end(), c,
                                      [](const Row& row, char32_t wanted) { return row.a < wanted; });
  if (found == decompositions.end() || found->a != c) {
    out += c;
    return;
  }
  decompose(found->b, out);
  if (found->c != 0) decompose(found->c, out);
}

/// 0 where the two do not compose.
char32_t compose(char32_t first, char32_t second) {
  if (first >= leading && first < leading + leading_count && second >= vowels && second < vowels + vowel_count)
    return syllables + ((first - leading) * vowel_count + (second - vowels)) * trailing_count;
  if (first >= syllables && first < syllables + syllable_count && (first - syllables) % trailing_count == 0 &&
      second > trailing && second < trailing + trailing_count)
    return first + (second - trailing);
  const auto found = std::lower_bound(
      compositions.begin(), compositions.end(), std::pair(first, second),
      [](const Row& row, const auto& wanted) { return std::pair<char32_t, char32_t>(row.a, row.b) < wanted; });
  return found != compositions.end() && found->a == first && found->b == second ? found->c : 0;
}

}  // namespace

std::optional<std::u32string> decode_utf8(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    if (length == 0 || at + length > text.size()) return std::nullopt;
    char32_t point = length == 1 ? lead : lead & (0x7FU >> length);
    for (std::size_t i = 1; i < length; i++) {
      const auto next = static_cast<unsigned char>(text[at + i]);
      if (next >> 6 != 2) return std::nullopt;
      point = point << 6 | (next & 0x3FU);
    }
    static constexpr std::array<char32_t, 5> least = {0, 0, 0x80, 0x800, 0x10000};
    if (point < least[length] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return std::nullopt;
    out += point;
    at += length;
  }
  return out;
}

std::string encode_utf8(std::u32string_view text) {
  std::string out;
  for (const char32_t c : text) {
    if (c < 0x80) {
      out += static_cast<char>(c);
    } else if (c < 0x800) {
      out += static_cast<char>(0xC0 | c >> 6);
      out += static_cast<char>(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
      out += static_cast<char>(0xE0 | c >> 12);
      out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
      out += static_cast<char>(0x80 | (c & 0x3F));
    } else {
      out += static_cast<char>(0xF0 | c >> 18);
      out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
      out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
      out += static_cast<char>(0x80 | (c & 0x3F));
    }
  }
  return out;
}

std::u32string normalise_nfc(std::u32string_view text) {
  std::u32string points;
  for (const char32_t c : text) decompose(c, points);
  for (std::size_t i = 0; i < points.size();) {
    std::size_t end = i + 1;
    while (end < points.size() && combining_class(points[end]) != 0) end++;
    const std::size_t begin = combining_class(points[i]) == 0 ? i + 1 : i;
    std::stable_sort(points.begin() + static_cast<std::ptrdiff_t>(begin), points.begin() + static_cast<std::ptrdiff_t>(end),
                     [](char32_t a, char32_t b) { return combining_class(a) < combining_class(b); });
    i = end;
  }
  std::u32string out;
  std::size_t starter = std::u32string::npos;
  std::uint32_t last_class = 0;
  for (const char32_t c : points) {
    const std::uint32_t own = combining_class(c);
    // Blocked by what stands between: a mark of the same or a higher class, or a starter.
    const bool is_next = starter != std::u32string::npos && starter + 1 == out.size();
    if (starter != std::u32string::npos && (is_next || last_class < own)) {
      if (const char32_t together = compose(out[starter], c); together != 0) {
        out[starter] = together;
        continue;
      }
    }
    if (own == 0) starter = out.size();
    last_class = own;
    out += c;
  }
  return out;
}

bool is_space(char32_t c) {
  return c == 0x20 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029; }

std::size_t utf16_length(std::u32string_view text) {
  std::size_t length = 0;
  for (const char32_t c : text) length += c < 0x10000 ? 1 : 2;
  return length;
}

}  // namespace driftline
