#include "bench/process/allocation_count.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include <sys/mman.h>

#include "net/socket.h"

namespace sluice::bench {
namespace {

constexpr const char* kCounter = "libsluice-allocations.so";

}  // namespace

std::unique_ptr<AllocationCount> AllocationCount::in_folder(const std::string& folder) {
  std::error_code ignored;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", ignored);
  const auto counter = self.parent_path() / kCounter;
  if (!std::filesystem::exists(counter, ignored)) return nullptr;
  const std::string file = folder + "/allocations";
  const net::Fd fd{::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (fd.get() < 0 || ::ftruncate(fd.get(), sizeof(std::uint64_t)) != 0) return nullptr;
  void* const page = ::mmap(nullptr, sizeof(std::uint64_t), PROT_READ, MAP_SHARED, fd.get(), 0);
  if (page == MAP_FAILED) return nullptr;
  return std::make_unique<AllocationCount>(
      std::vector<std::string>{"LD_PRELOAD=" + counter.string(), "SLUICE_ALLOCATIONS=" + file},
      static_cast<const std::uint64_t*>(page));
}

AllocationCount::~AllocationCount() {
  ::munmap(const_cast<std::uint64_t*>(count_), sizeof *count_);
}

std::optional<std::uint64_t> AllocationCount::read() const {
  const std::uint64_t now = __atomic_load_n(count_, __ATOMIC_RELAXED);
  return now == 0 ? std::nullopt : std::optional{now};
}

}  // namespace sluice::bench
