#include "bench/report/outcome.h"

#include <cstdio>

namespace sluice::bench {

int say(int code, const std::string& what) {
  std::fprintf(stderr, "sluice-bench: %s\n", what.c_str());
  return code;
}

}  // namespace sluice::bench
