// Loaded before a program's own libraries (LD_PRELOAD), it counts what the program takes of the
// heap, into a file of eight bytes that SLUICE_ALLOCATIONS names and whoever measures has mapped
// too. Without that variable it counts into a word of its own. operator new calls malloc.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>

#include <sys/mman.h>

namespace {

using Count = std::atomic<std::uint64_t>;
static_assert(Count::is_always_lock_free && sizeof(Count) == sizeof(std::uint64_t));

Count before_start{0};
Count* count = &before_start;

void note() { count->fetch_add(1, std::memory_order_relaxed); }

__attribute__((constructor)) void start() {
  const char* const file = std::getenv("SLUICE_ALLOCATIONS");
  if (file == nullptr) return;
  const int fd = ::open(file, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* const page = ::mmap(nullptr, sizeof(Count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (page != MAP_FAILED) count = static_cast<Count*>(page);
}

}  // namespace

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
  note();
  return __libc_malloc(size);
}

void* calloc(std::size_t items, std::size_t size) {
  note();
  return __libc_calloc(items, size);
}

void* realloc(void* memory, std::size_t size) {
  note();
  return __libc_realloc(memory, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  note();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  note();
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? 12 : 0;  // ENOMEM
}
}
