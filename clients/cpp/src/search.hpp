// Models of a family as columns in memory: which one's measured domain holds a point, which are nearest.

#pragma once

#include "models_line.hpp"
#include "source.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace driftline {

class ModelTable {
 public:
  explicit ModelTable(const Family& family);
  void add(const ModelsLine& model);
  std::size_t size() const { return models_.size(); }

  /// The nearest model whose measured domain holds the question; throws `no_model`, naming the nearest of all, where
  /// there is none or where only an exact match is accepted.
  Answer find(const Question& question, Accept accept) const;

 private:
  struct Quantity {
    std::size_t condition = 0;
    double grid = 0;
    /// In steps of the grid, as the rest.
    double tolerance = 0;
    std::vector<double> value, low, high;
    /// Where the last model had this condition and its domain: the next one has them there too.
    std::size_t at = 0, box_at = 0;
  };
  struct Row {
    std::string key, bundle;
    double binding = 0;
    /// Index into contexts_.
    std::size_t context = 0;
  };
  /// Labels and software, which must be the same; few, however many the models.
  using Context = std::map<std::string, std::string>;

  Context context_of(const std::map<std::string, std::string>& conditions,
                     const std::map<std::string, std::string>& software) const;
  static std::string text_of(const Context& context);
  double distance(const std::vector<double>& asked, std::size_t i) const;
  bool is_inside(const std::vector<double>& asked, std::size_t i) const;
  std::vector<std::size_t> nearest(const std::vector<double>& asked, const Context& context) const;
  std::vector<Difference> differences(const Question& question, std::size_t i) const;
  Difference quantity_difference(const Quantity& quantity, const Question& question, std::size_t i) const;

  Family family_;
  std::vector<std::string> labels_;
  std::vector<Quantity> quantities_;
  std::vector<Row> models_;
  std::vector<Context> contexts_;
  /// By their text: ten thousand models are added in a few milliseconds.
  std::unordered_map<std::string, std::size_t> context_index_;
};

}  // namespace driftline
