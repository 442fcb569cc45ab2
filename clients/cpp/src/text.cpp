// Labels and software versions, normalised so that the same word always has the same characters.

#include "text.hpp"

#include "unicode.hpp"

#include <driftline/error.hpp>

#include <algorithm>
#include <cctype>
#include <numeric>

namespace driftline {
namespace {

constexpr std::size_t max_characters = 200;

std::string lower(std::string_view text) {
  std::string out(text.substr(0, 100));
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// Levenshtein distance: insertions, deletions and substitutions.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> previous(b.size() + 1);
  std::iota(previous.begin(), previous.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); i++) {
    std::vector<std::size_t> row = {i};
    for (std::size_t j = 1; j <= b.size(); j++)
      row.push_back(std::min({previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)}));
    previous = std::move(row);
  }
  return previous.back();
}

/// One slash, something without spaces on either side of it.
bool is_name_and_version(const std::u32string& word) {
  return std::none_of(word.begin(), word.end(), is_space) && std::count(word.begin(), word.end(), U'/') == 1 &&
         word.front() != U'/' && word.back() != U'/';
}

}  // namespace

std::string nearest_name(std::string_view given, const std::vector<std::string>& names) {
  const std::string asked = lower(given);
  std::string nearest;
  std::size_t fewest = std::max<std::size_t>(2, asked.size() / 3) + 1;
  for (const std::string& name : names) {
    const std::size_t edits = edit_distance(asked, lower(name));
    if (edits < fewest) {
      nearest = name;
      fewest = edits;
    }
  }
  return nearest;
}

std::string did_you_mean(std::string_view given, const std::vector<std::string>& names) {
  const std::string nearest = nearest_name(given, names);
  return nearest.empty() ? "" : "Did you mean " + nearest + "? ";
}

std::string joined(const std::vector<std::string>& texts, std::string_view between) {
  std::string out;
  for (const std::string& text : texts) {
    if (!out.empty()) out += between;
    out += text;
  }
  return out;
}

Normalised normalise_word(const std::string& given) {
  const std::string too_long = "is longer than " + std::to_string(max_characters) + " characters";
  if (given.empty()) return {"", "is empty"};
  // Normalising can shorten by composing, hardly by more than a factor of 4: no need to normalise a megabyte.
  if (given.size() > 32 * max_characters) return {"", too_long};
  const auto points = decode_utf8(given);
  if (!points) return {"", "is not UTF-8"};
  if (utf16_length(*points) > 8 * max_characters) return {"", too_long};
  const std::u32string word = normalise_nfc(*points);
  if (word.size() > max_characters) return {"", too_long};
  if (std::any_of(word.begin(), word.end(), is_control)) return {"", "has control characters or line breaks"};
  if (is_space(word.front()) || is_space(word.back())) return {"", "begins or ends with a space"};
  return {encode_utf8(word), ""};
}

std::string label(const Condition& condition, const Value& given) {
  const auto bad = [&](const std::string& what) {
    const std::string remedy =
        condition.values ? (given.text() ? did_you_mean(*given.text(), *condition.values) : "") +
                               "Allowed: " + joined(*condition.values) + "."
                         : "Give a word of 1 to " + std::to_string(max_characters) +
                               " characters, without control characters or spaces at its ends.";
    return Error("invalid_label", "Condition " + condition.name + ": " + given.quoted() + " " + what + ".",
                 "conditions." + condition.name, remedy);
  };
  if (!given.text()) throw bad("is not a word");
  Normalised found = normalise_word(*given.text());
  if (!found.problem.empty()) throw bad(found.problem);
  if (condition.values &&
      std::find(condition.values->begin(), condition.values->end(), found.word) == condition.values->end())
    throw bad("is not among the allowed values");
  return found.word;
}

std::string software_version(const SoftwareComponent& component, const Value& given) {
  const auto bad = [&](const std::string& what) {
    return Error("invalid_software", "Software " + component.name + ": " + given.quoted() + " " + what + ".",
                 "software." + component.name,
                 "Write name/version, such as " + component.nominal.value_or("mpdroot/unknown") + ", without spaces.");
  };
  if (!given.text()) throw bad("is not a text");
  Normalised found = normalise_word(*given.text());
  if (!found.problem.empty()) throw bad(found.problem);
  if (!is_name_and_version(*decode_utf8(found.word))) throw bad("is not of the form name/version");
  return found.word;
}

}  // namespace driftline
