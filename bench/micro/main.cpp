// bench_micro: what the pieces of the packet path cost, one by one, without sockets. How to run it
// and what the figures mean: docs/PERFORMANCE.md.
#include <string>

#include <benchmark/benchmark.h>

#include "proto/crypto/aead.h"
#include "proto/crypto/secret.h"

int main(int argc, char** argv) {
  sluice::crypto::init_crypto();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("aead_backend", std::string(sluice::crypto::aead_backend()));
#ifndef NDEBUG
  benchmark::AddCustomContext("warning", "built without NDEBUG: figures mean nothing");
#endif
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
