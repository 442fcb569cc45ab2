// ONNX Runtime follows external data of a model loaded from bytes relative to the working directory, so what it would
// compute with was never verified. This walks the messages of onnx.proto (ONNX 1.23, IR version 14) down to every
// TensorProto. Messages that a protobuf parser would read otherwise than this walk (groups, long tags) are refused.

#include "onnx_guard.hpp"

#include <driftline/error.hpp>

#include <cstdint>

namespace driftline {
namespace {

enum class Message { model, training, graph, function, node, attribute, sparse, tensor, other };

/// What a field holds, where that leads to tensors.
Message child(Message kind, std::uint64_t field) {
  switch (kind) {
    case Message::model:
      return field == 7 ? Message::graph : field == 20 ? Message::training : field == 25 ? Message::function : Message::other;
    case Message::training:
      return field == 1 || field == 2 ? Message::graph : Message::other;
    case Message::graph:
      return field == 1 ? Message::node : field == 5 ? Message::tensor : field == 15 ? Message::sparse : Message::other;
    case Message::function:
      return field == 7 ? Message::node : field == 11 ? Message::attribute : Message::other;
    case Message::node:
      return field == 5 ? Message::attribute : Message::other;
    case Message::attribute:
      if (field == 5 || field == 10) return Message::tensor;
      if (field == 6 || field == 11) return Message::graph;
      return field == 22 || field == 23 ? Message::sparse : Message::other;
    case Message::sparse:
      return field == 1 || field == 2 ? Message::tensor : Message::other;
    default:
      return Message::other;
  }
}

constexpr std::uint64_t tensor_name = 8, tensor_external_data = 13, tensor_data_location = 14;
/// The protobuf parser's own limit on nested messages.
constexpr int max_depth = 100;

class Walk {
 public:
  Walk(std::string_view bytes, const std::string& source) : bytes_(bytes), source_(source) {}

  void message(std::size_t at, std::size_t end, Message kind, int depth) const {
    if (depth > max_depth) throw malformed("messages are nested too deep");
    std::string name;
    bool is_external = false;
    while (at < end) {
      const std::uint64_t tag = varint(at, end, 5);
      const std::uint64_t field = tag >> 3, wire = tag & 7;
      if (tag > UINT32_MAX || field == 0) throw malformed("bad field tag at byte " + std::to_string(at));
      if (wire == 0) {
        const std::uint64_t value = varint(at, end, 10);
        if (kind == Message::tensor && field == tensor_data_location && value != 0) is_external = true;
      } else if (wire == 2) {
        const std::uint64_t length = varint(at, end, 5);
        if (length > end - at) throw malformed("a field at byte " + std::to_string(at) + " goes beyond its message");
        const Message next = child(kind, field);
        if (next != Message::other) message(at, at + length, next, depth + 1);
        if (kind == Message::tensor && field == tensor_external_data) is_external = true;
        if (kind == Message::tensor && field == tensor_name) name = bytes_.substr(at, length < 200 ? length : 200);
        at += length;
      } else if (wire == 1 || wire == 5) {
        at += wire == 1 ? 8 : 4;
        if (at > end) throw malformed("a field at byte " + std::to_string(at) + " goes beyond its message");
      } else {
        throw malformed("field of wire type " + std::to_string(wire) + " at byte " + std::to_string(at));
      }
    }
    if (is_external)
      throw Error("invalid_bundle", source_ + " keeps tensor \"" + name + "\" in another file", source_,
                  "Export the model with all its weights inside the one ONNX file.");
  }

  Error malformed(const std::string& what) const {
    return Error("invalid_bundle", source_ + " is not a plain ONNX file: " + what, source_,
                 "Export the model as ONNX with opset 18, with all its weights inside.");
  }

 private:
  std::uint64_t varint(std::size_t& at, std::size_t end, int longest) const {
    std::uint64_t value = 0;
    for (int i = 0; i < longest && at < end; i++) {
      const auto byte = static_cast<unsigned char>(bytes_[at++]);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
      if (byte < 0x80) return value;
    }
    throw malformed("cut off or bad number at byte " + std::to_string(at));
  }

  std::string_view bytes_;
  const std::string& source_;
};

}  // namespace

void refuse_external_data(std::string_view bytes, const std::string& source) {
  const Walk walk(bytes, source);
  // The runtime also takes its own flatbuffer format, known by this mark.
  if (bytes.substr(0, 8).size() == 8 && bytes.substr(4, 4) == "ORTM") throw walk.malformed("it is in ONNX Runtime's own format");
  walk.message(0, bytes.size(), Message::model, 0);
}

}  // namespace driftline
