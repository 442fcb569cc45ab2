// Driftline for C++: finds a model by conditions, verifies it, and generates detector responses.
//
//   auto catalogue = driftline::Catalogue::open("/cvmfs/…/snapshot");  // or a bundle directory, or "http://…"
//   auto model = catalogue.model("mpd.tpc", {{{"drift_velocity", "5.50 cm/us"}}, {}});
//   auto outside = model.generate(features, rows, {seed, event}, responses);

#pragma once

#include <driftline/bundle.hpp>
#include <driftline/catalogue.hpp>
#include <driftline/error.hpp>
#include <driftline/family.hpp>
#include <driftline/model.hpp>
#include <driftline/noise.hpp>
