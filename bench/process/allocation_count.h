// AllocationCount: what a program that we start takes of the heap, as allocation_counter.cpp
// counts it inside that program.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::bench {

class AllocationCount {
 public:
  /// Nothing where the counter was not built beside this program, or cannot be mapped.
  static std::unique_ptr<AllocationCount> in_folder(const std::string& folder);

  /// For in_folder() alone.
  AllocationCount(std::vector<std::string> environment, const std::uint64_t* count)
      : environment_(std::move(environment)), count_(count) {}

  ~AllocationCount();
  AllocationCount(const AllocationCount&) = delete;
  AllocationCount& operator=(const AllocationCount&) = delete;

  /// What the program is to be started with.
  const std::vector<std::string>& environment() const { return environment_; }

  /// So far; nothing while the program has not counted anything, as one that ignores us would.
  std::optional<std::uint64_t> read() const;

 private:
  std::vector<std::string> environment_;
  const std::uint64_t* count_;
};

}  // namespace sluice::bench
