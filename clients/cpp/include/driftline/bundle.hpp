// A bundle: the immutable thing that is published, named by the SHA-256 of its manifest.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace driftline {

/// Ends included.
struct Range {
  double low = 0, high = 0;
  std::string unit;
};

/// A column of the features and the limits in which the model passed its gates.
struct Column {
  std::string name;
  Range domain;
};

struct BundleFile {
  std::string path;
  std::uint64_t size = 0;
  std::string sha256;
};

/// What bundle.json says, as far as a job needs it.
struct Manifest {
  /// SHA-256 of bundle.json: names the bundle.
  std::string digest;
  std::string key;
  std::string family;
  std::int64_t family_version = 0;
  /// What the model was made for, canonical.
  std::map<std::string, std::string> conditions, software;
  std::string recipe_hash;
  /// Name of the input of features, and its columns in order.
  std::string features;
  std::vector<Column> columns;
  /// Random numbers of a row; 0 where there is no input `latent`.
  std::size_t latent_width = 0;
  /// Name, unit and shape of one row of the output, such as [8, 16].
  std::string output, output_unit;
  std::vector<std::size_t> output_shape;
  /// Measured domain of the conditions.
  std::map<std::string, Range> domain;
  /// Largest deviation from the reference outputs: |a-b| <= absolute + relative |b|.
  double absolute = 0, relative = 0;
  std::vector<BundleFile> files;
  /// bundle.json as it is, for members that are not here.
  std::string json;
};

/// Where a bundle's files come from; how is the catalogue's affair.
class BundleFiles {
 public:
  virtual ~BundleFiles() = default;
  /// Bytes that the caller will check. Throws `damaged` where there are none.
  virtual std::string read(const Manifest& manifest, const BundleFile& file) const = 0;
  /// Throws `damaged` where there is more or less than the manifest lists.
  virtual void check_listing(const Manifest&) const {}
  /// For messages.
  virtual std::string where() const = 0;
};

/// A bundle whose manifest was checked. Copies are cheap; threads can share it.
class Bundle {
 public:
  Bundle(Manifest manifest, std::shared_ptr<const BundleFiles> files);

  const Manifest& manifest() const { return *manifest_; }
  const std::string& digest() const { return manifest_->digest; }
  std::string where() const { return files_->where(); }

  /// A file of the bundle, such as "model.onnx": its size and SHA-256 were checked. Throws `unknown_file`, `damaged`.
  std::string read(std::string_view path) const;
  /// Reads and checks every file. Throws `damaged`. (That the model gives the reference's outputs is checked when it is
  /// loaded: see Model.)
  void verify() const;

 private:
  std::shared_ptr<const Manifest> manifest_;
  std::shared_ptr<const BundleFiles> files_;
};

}  // namespace driftline
