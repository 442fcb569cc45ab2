// An 8-byte header length, a JSON header, then the raw values, little-endian and without gaps.

#include "safetensors.hpp"

#include "json.hpp"

#include <driftline/error.hpp>

#include <algorithm>
#include <cstring>

namespace driftline {
namespace {

std::size_t size_of(const std::string& dtype) {
  if (dtype == "F64" || dtype == "I64") return 8;
  if (dtype == "F32" || dtype == "I32") return 4;
  if (dtype == "U8" || dtype == "BOOL") return 1;
  throw std::invalid_argument("has the dtype " + dtype);
}

struct Entry {
  std::string name;
  Tensor tensor;
  std::size_t begin = 0, end = 0;
};

Entry entry_of(const std::string& name, const Json& json) {
  Entry entry{name, {json.at("dtype").get<std::string>(), {}, {}}, 0, 0};
  std::size_t bytes = size_of(entry.tensor.dtype);
  for (const Json& dimension : json.at("shape")) {
    if (!dimension.is_number_unsigned()) throw std::invalid_argument("has no valid shape");
    const auto size = dimension.get<std::size_t>();
    if (size > (std::size_t{1} << 40) || bytes * size > (std::size_t{1} << 46)) throw std::invalid_argument("is too large");
    bytes *= size;
    entry.tensor.shape.push_back(static_cast<std::int64_t>(size));
  }
  const Json& offsets = json.at("data_offsets");
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned())
    throw std::invalid_argument("has no valid data_offsets");
  entry.begin = offsets[0].get<std::size_t>();
  entry.end = offsets[1].get<std::size_t>();
  if (entry.end < entry.begin || entry.end - entry.begin != bytes)
    throw std::invalid_argument("has offsets that do not span its " + std::to_string(bytes) + " bytes");
  return entry;
}

}  // namespace

std::map<std::string, Tensor> decode_safetensors(std::string_view bytes, const std::string& source) {
  const auto damaged = [&](const std::string& what) {
    return Error("damaged", "cannot read " + source + " as safetensors: " + what, source, "Make or fetch the file again.");
  };
  if (bytes.size() < 8) throw damaged("it has " + std::to_string(bytes.size()) + " bytes; it should have at least 8");
  std::uint64_t header_bytes = 0;
  for (int i = 7; i >= 0; i--) header_bytes = header_bytes << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
  if (header_bytes > bytes.size() - 8) throw damaged("its header is longer than the file");
  const std::string_view data = bytes.substr(8 + header_bytes);
  std::vector<Entry> entries;
  std::string name;
  try {
    const Json header = parse_json(bytes.substr(8, header_bytes));
    for (const auto& [each, member] : header.items()) {
      name = each;
      if (name != "__metadata__") entries.push_back(entry_of(name, member));
    }
  } catch (const std::exception& error) {
    throw damaged(name.empty() ? std::string("its header is not JSON: ") + error.what() : "tensor \"" + name + "\" " + error.what());
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  std::map<std::string, Tensor> tensors;
  std::size_t at = 0;
  for (Entry& entry : entries) {
    if (entry.begin != at || entry.end > data.size())
      throw damaged("tensor \"" + entry.name + "\" is not where the one before it ends, or goes beyond the file");
    at = entry.end;
    if (entry.tensor.dtype == "F32") {
      entry.tensor.values.resize((entry.end - entry.begin) / 4);
      // Hosts of this client are little-endian, as the format is.
      if (entry.end > entry.begin) std::memcpy(entry.tensor.values.data(), data.data() + entry.begin, entry.end - entry.begin);
    }
    tensors.emplace(std::move(entry.name), std::move(entry.tensor));
  }
  if (at != data.size()) throw damaged("bytes after the last tensor belong to none");
  return tensors;
}

}  // namespace driftline
