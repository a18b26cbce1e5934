#include "sim/seed.h"

#include <cstdlib>

#include <gtest/gtest.h>

namespace sluice::sim {
namespace {

// Both variables belong to whoever runs the tests; each case puts them back.
class Seeds : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"SIM_SEED", "SIM_SEEDS"}) {
      const char* value = std::getenv(name);
      before_.emplace_back(name, value == nullptr ? "" : value);
      unsetenv(name);
    }
  }

  void TearDown() override {
    for (const auto& [name, value] : before_) {
      if (value.empty()) {
        unsetenv(name.c_str());
      } else {
        setenv(name.c_str(), value.c_str(), 1);
      }
    }
  }

 private:
  std::vector<std::pair<std::string, std::string>> before_;
};

TEST_F(Seeds, AreTheRegressionsAndThenOneToCount) {
  EXPECT_EQ(seeds(3), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(seeds(2, {77}), (std::vector<std::uint64_t>{77, 1, 2}));
}

TEST_F(Seeds, AreOneAloneWhenReplayed) {
  setenv("SIM_SEED", "4711", 1);
  EXPECT_EQ(seeds(3, {77}), (std::vector<std::uint64_t>{4711}));
}

TEST_F(Seeds, AreAsManyAsAskedFor) {
  setenv("SIM_SEEDS", "5", 1);
  EXPECT_EQ(seeds(2).size(), 5U);
}

TEST_F(Seeds, ArePrintedWithAFailure) { EXPECT_EQ(seed_line(9), "replay with SIM_SEED=9"); }

}  // namespace
}  // namespace sluice::sim
