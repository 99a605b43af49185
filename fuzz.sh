#!/usr/bin/env bash
# Fuzzes a target of RawWs.Tests/Fuzzing/Targets with afl++, guided by the coverage of RawWs.Protocol:
#   ./fuzz.sh TARGET [SECONDS]
# It starts from the corpus that the tests replay, and leaves in artifacts/fuzz/TARGET what it has found:
#   default/crashes   inputs that break a rule: each goes into the corpus with the change that mends it
#   new               inputs that reach code which the corpus did not, minimised, to choose from
# Needs afl++ (apt-get install afl++).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 DOTNET_NOLOGO=1
export AFL_SKIP_BIN_CHECK=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_NO_UI=1
export AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1

readonly target=${1:?"usage: ./fuzz.sh TARGET [SECONDS]"} seconds=${2:-300}
readonly corpus=RawWs.Tests/Fuzzing/Corpus/$target bin=artifacts/fuzz/bin found=artifacts/fuzz/$target
readonly run=("$(command -v dotnet)" "$bin/RawWs.Bench.dll" fuzz "$target")

dotnet tool restore >/dev/null
# A library that is instrumented already would be refused.
rm -rf "$bin"
dotnet publish RawWs.Bench -c Release -o "$bin" -v q
dotnet sharpfuzz "$bin/RawWs.Protocol.dll"

rm -rf "$found"
mkdir -p "$found"
nice -n 19 afl-fuzz -i "$corpus" -o "$found" -G 4096 -t 5000 -m none -V "$seconds" -- "${run[@]}" >"$found/log" 2>&1 ||
  { tail -n 20 "$found/log" >&2 && exit 1; }
nice -n 19 afl-cmin -i "$found/default/queue" -o "$found/minimal" -t 5000 -m none -- "${run[@]}" >>"$found/log" 2>&1

# The queue names what it was given `orig:`.
mkdir -p "$found/new"
find "$found/minimal" -type f ! -name '*orig:*' | while read -r input; do
  cp "$input" "$found/new/found-$(sha256sum "$input" | cut -c1-8)"
done
grep -E '^(execs_done|execs_per_sec|corpus_count|edges_found|saved_crashes|saved_hangs)' "$found/default/fuzzer_stats"
find "$found/default/crashes" -name 'id:*'
