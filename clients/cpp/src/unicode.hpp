// UTF-8, the few classes of characters that words are checked for, and normalisation form C.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace driftline {

/// Code points of strict UTF-8; nothing where it is not (surrogates, overlong forms, cut-off sequences).
std::optional<std::u32string> decode_utf8(std::string_view text);
std::string encode_utf8(std::u32string_view text);
/// Normalisation form C, by the Unicode version that nfc_tables.inc names.
std::u32string normalise_nfc(std::u32string_view text);
/// Spaces of category Zs.
bool is_space(char32_t c);
/// Control characters (Cc), line and paragraph separators.
bool is_control(char32_t c);
/// Code units of UTF-16: what lengths are counted in elsewhere.
std::size_t utf16_length(std::u32string_view text);

}  // namespace driftline
