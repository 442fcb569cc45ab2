// A catalogue in a directory that nobody writes to (docs/decisions/snapshot.md): pointer, root, sorted indexes, blobs.
//
// Every blob is checked before a byte of it is believed. The pointer is read once: a snapshot that is switched later is
// never mixed with this one.

#include "files.hpp"
#include "json.hpp"
#include "manifest.hpp"
#include "once.hpp"
#include "search.hpp"
#include "sha256.hpp"

#include <cstring>
#include <set>

namespace driftline {
namespace {

constexpr std::string_view format = "driftline-snapshot/1";
constexpr std::size_t line_bytes = 158, key_bytes = 67, bundle_at = 68, digest_bytes = 64;

Error damaged(const std::string& path, const std::string& what, const std::string& found) {
  return Error("damaged", "Reading " + what + " from a snapshot: " + path + ": " + found + ".", path,
               "`driftline verify` on the snapshot names all that is damaged; publish it again to mend it.");
}

struct Ref {
  std::string sha256;
  std::uint64_t size = 0;
};

Ref ref_of(const Json& json) {
  Ref ref{json.at("sha256").get<std::string>(), json.at("size").get<std::uint64_t>()};
  if (!is_digest(ref.sha256)) throw std::invalid_argument("a reference has no digest of 64 hexadecimal digits");
  return ref;
}

/// Content by its SHA-256.
class Blobs final : public BundleFiles {
 public:
  explicit Blobs(std::string directory) : directory_(std::move(directory)) {}

  std::string path(const std::string& digest) const { return directory_ + "/blobs/" + digest.substr(0, 2) + "/" + digest; }

  /// The whole blob, checked. Also a missing one is `damaged`, for something led to it.
  std::string get(const std::string& digest, const std::uint64_t* size, const std::string& what) const {
    auto [bytes, problem] = read_file(path(digest), Links::follow);
    if (problem == "nothing") problem = "there is no such file; was it pruned?";
    if (problem.empty() && size != nullptr && bytes.size() != *size)
      problem = "it has " + std::to_string(bytes.size()) + " bytes, not " + std::to_string(*size);
    if (problem.empty()) {
      const std::string found = sha256(bytes);
      if (found != digest) problem = "its bytes have SHA-256 " + found;
    }
    if (!problem.empty()) throw damaged(path(digest), what, problem);
    return std::move(bytes);
  }
  std::string get(const Ref& ref, const std::string& what) const { return get(ref.sha256, &ref.size, what); }

  std::string read(const Manifest& manifest, const BundleFile& file) const override {
    return get(file.sha256, &file.size, file.path + " of " + manifest.digest.substr(0, 12));
  }
  std::string where() const override { return directory_; }

 private:
  std::string directory_;
};

/// Runs `read`; what is not as the format says is damage.
template <typename Read>
auto understood(const std::string& path, const std::string& what, const Read& read) {
  try {
    return read();
  } catch (const Json::exception& error) {
    throw damaged(path, what, error.what());
  } catch (const std::invalid_argument& error) {
    throw damaged(path, what, error.what());
  }
}

/// A version of a family. Each part is read when it is first needed.
class FamilyModels {
 public:
  FamilyModels(std::shared_ptr<const Blobs> blobs, const Json& entry)
      : name(entry.at("name").get<std::string>()),
        version(entry.at("version").get<std::int64_t>()),
        blobs_(std::move(blobs)),
        count_(entry.at("count").get<std::size_t>()),
        family_ref_(ref_of(entry.at("family"))),
        index_ref_(ref_of(entry.at("index"))),
        models_ref_(ref_of(entry.at("models"))) {}

  const std::string name;
  const std::int64_t version;

  std::shared_ptr<const Family> family() const {
    return family_.get([&] {
      const std::string what = "the family " + name;
      const std::string text = blobs_->get(family_ref_, what);
      Family family;
      try {
        family = Family::from_json(text);
      } catch (const Error& error) {
        throw damaged(blobs_->path(family_ref_.sha256), what, error.what());
      }
      if (family.name != name || family.version != version)
        throw damaged(blobs_->path(family_ref_.sha256), what, "it is " + family.name + " " + std::to_string(family.version));
      return family;
    });
  }

  /// Lines "key bundle time", sorted; checked whole, for a flipped bit would turn a hit into a miss.
  std::shared_ptr<const std::string> index() const {
    return index_.get([&] {
      std::string bytes = blobs_->get(index_ref_, "the index of " + name);
      if (bytes.size() != count_ * line_bytes)
        throw damaged(blobs_->path(index_ref_.sha256), "the index of " + name,
                      "it has " + std::to_string(bytes.size()) + " bytes, not " + std::to_string(count_) + " lines of 158");
      return bytes;
    });
  }

  /// Digest of the bundle that serves a key; empty where none does.
  std::string find(const std::string& key) const {
    const auto bytes = index();
    std::size_t low = 0, high = count_;
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      const std::string_view line(bytes->data() + middle * line_bytes, line_bytes);
      const int order = line.substr(0, key_bytes).compare(key);
      if (order == 0) return bundle_in(line);
      (order < 0 ? low : high) = order < 0 ? middle + 1 : middle;
    }
    return "";
  }

  /// Adds the bundles whose digests begin so, with their keys.
  void matching(const std::string& prefix, std::map<std::string, std::string>& found) const {
    const auto bytes = index();
    for (std::size_t i = 0; i < count_; i++) {
      const std::string_view line(bytes->data() + i * line_bytes, line_bytes);
      if (line.substr(bundle_at, prefix.size()) == prefix) found.emplace(bundle_in(line), line.substr(0, key_bytes));
    }
  }

  std::shared_ptr<const ModelTable> table() const {
    return table_.get([&] {
      const std::string what = "the models of " + name, path = blobs_->path(models_ref_.sha256);
      return understood(path, what, [&] { return read_models(blobs_->get(models_ref_, what)); });
    });
  }

 private:
  std::string bundle_in(std::string_view line) const {
    std::string bundle(line.substr(bundle_at, digest_bytes));
    if (!is_digest(bundle)) throw damaged(blobs_->path(index_ref_.sha256), "the index of " + name, "a line has no digest");
    return bundle;
  }

  ModelTable read_models(const std::string& text) const {
    ModelTable table(*family());
    const auto keys = index();
    ModelsLine model;
    std::string expected;
    std::size_t line = 0;
    for (std::size_t at = 0; at < text.size(); line++) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      const std::string_view own = std::string_view(text).substr(at, end - at);
      at = end + 1;
      if (line == 0) {
        const Json json = parse_json(own);
        if (json.at("format") != "driftline-models/1" || json.at("family") != name || json.at("familyVersion") != version)
          throw std::invalid_argument("it is not of this family");
        continue;
      }
      read_models_line(own, model);
      expected.assign(model.key).append(" ").append(model.bundle);
      if (line > count_ || keys->compare((line - 1) * line_bytes, expected.size(), expected) != 0)
        throw std::invalid_argument("model " + std::to_string(line - 1) + " is not that of the index");
      table.add(model);
    }
    if (table.size() != count_) throw std::invalid_argument("it has " + std::to_string(table.size()) + " models");
    return table;
  }

  std::shared_ptr<const Blobs> blobs_;
  std::size_t count_;
  Ref family_ref_, index_ref_, models_ref_;
  Once<Family> family_;
  Once<std::string> index_;
  Once<ModelTable> table_;
};

class Snapshot final : public Source {
 public:
  Snapshot(const std::string& directory, const std::string& expected)
      : directory_(directory), blobs_(std::make_shared<Blobs>(directory)) {
    const std::string path = directory + "/snapshot.json";
    const Ref pointer = read_pointer(path);
    digest_ = pointer.sha256;
    if (!expected.empty() && expected != digest_)
      throw Error("usage", directory + " holds snapshot " + digest_ + ", not " + expected + ".", "snapshot",
                  "Another one was published there: name the new digest, or the directory of the old one.");
    understood(blobs_->path(digest_), "the root", [&] {
      const Json root = parse_json(blobs_->get(pointer, "the root"));
      if (root.at("format") != format) throw std::invalid_argument("its format is another");
      for (const Json& entry : root.at("families")) {
        // Of several versions of a family the last is the highest.
        families_.push_back(std::make_unique<FamilyModels>(blobs_, entry));
      }
      for (const Json& tag : root.at("tags"))
        for (const Json& lock : tag.at("locks")) locks_.push_back({tag.at("name").get<std::string>(), ref_of(lock)});
      return 0;
    });
  }

  std::vector<Family> families() const override {
    std::vector<Family> all;
    for (const std::string& name : names()) all.push_back(*at(name, 0).family());
    return all;
  }

  Family family(const std::string& name, std::int64_t version) const override { return *at(name, version).family(); }

  Answer resolve(const std::string& name, const Given& given, Accept accept) const override {
    const FamilyModels& models = at(name, 0);
    const Question question = models.family()->question(given);
    const std::string exact = models.find(question.key);
    if (!exact.empty()) return {exact, {question.key, "exact", 0.0}, question.key, name, {}};
    return models.table()->find(question, accept);
  }

  Bundle bundle(const std::string& prefix) const override {
    check_digest_prefix(prefix);
    std::map<std::string, std::string> found;
    if (prefix.size() < digest_bytes)
      for (const auto& each : families_) each->matching(prefix, found);
    if (found.size() > 1)
      throw Error("unknown_model", prefix + " is not unique: " + found.begin()->first + " and others begin with it.", "model",
                  "Give more digits.");
    const std::string digest = prefix.size() == digest_bytes ? prefix : found.empty() ? "" : found.begin()->first;
    if (digest.empty() || !is_there(blobs_->path(digest))) throw unknown_model(prefix, "The snapshot");
    const std::string what = "bundle.json of " + digest.substr(0, 12);
    return {parse_manifest(blobs_->get(digest, nullptr, what), digest), blobs_};
  }

  std::string lock(const std::string& wanted) const override {
    std::string by_digest, by_tag;
    std::size_t tagged = 0;
    for (const auto& [tag, ref] : locks_) {
      const std::string text = blobs_->get(ref, "a lock of " + tag);
      const std::string own = understood(blobs_->path(ref.sha256), "a lock of " + tag,
                                         [&] { return parse_json(text).at("digest").get<std::string>(); });
      if (wanted.size() >= 8 && own.compare(0, wanted.size(), wanted) == 0) by_digest = text;
      if (tag == wanted) {
        by_tag = text;
        tagged++;
      }
    }
    if (by_digest.empty() && tagged > 1)
      throw Error("usage", directory_ + " has " + std::to_string(tagged) + " locks of tag " + wanted + ".", "lock",
                  "Name one by its digest.");
    return by_digest.empty() ? by_tag : by_digest;
  }

  std::string identity() const override { return digest_; }
  std::string where() const override { return "The snapshot " + directory_; }

 private:
  static Ref read_pointer(const std::string& path) {
    const auto [bytes, problem] = read_file(path, Links::follow);
    if (!problem.empty())
      throw Error("usage", path.substr(0, path.rfind('/')) + " is not a snapshot: snapshot.json is " + problem + ".", "snapshot",
                  "Name the directory that `driftline snapshot --out` wrote.");
    const std::string mark = R"({"format":"driftline-snapshot/)";
    const std::string number = bytes.compare(0, mark.size(), mark) == 0 ? bytes.substr(mark.size(), bytes.find('"', mark.size()) - mark.size()) : "";
    const bool is_number = !number.empty() && number.size() <= 4 && number.find_first_not_of("0123456789") == std::string::npos;
    if (is_number && number != "1")
      throw Error("usage", path + " is of format driftline-snapshot/" + number + "; this reads driftline-snapshot/1.", "snapshot",
                  "Update this client, or publish the snapshot again with this version.");
    const std::string text = bytes;
    return understood(path, "the pointer", [&] {
      if (text.size() > 4096) throw std::invalid_argument("it has " + std::to_string(text.size()) + " bytes");
      const Json json = parse_json(text);
      if (json.at("format") != format) throw std::invalid_argument("its format is another");
      return ref_of(json);
    });
  }

  std::vector<std::string> names() const {
    std::set<std::string> all;
    for (const auto& each : families_) all.insert(each->name);
    return {all.begin(), all.end()};
  }

  const FamilyModels& at(const std::string& name, std::int64_t version) const {
    const FamilyModels* found = nullptr;
    for (const auto& each : families_)
      if (each->name == name && (version == 0 || each->version == version)) found = each.get();
    if (found == nullptr) throw unknown_family(name, names(), "The snapshot");
    return *found;
  }

  struct TaggedLock {
    std::string tag;
    Ref ref;
  };

  std::string directory_, digest_;
  std::shared_ptr<const Blobs> blobs_;
  std::vector<std::unique_ptr<FamilyModels>> families_;
  std::vector<TaggedLock> locks_;
};

}  // namespace

std::shared_ptr<const Source> open_snapshot(const std::string& directory, const std::string& digest) {
  return std::make_shared<Snapshot>(directory, digest);
}

}  // namespace driftline
