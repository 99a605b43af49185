#!/usr/bin/env bash
# Puts the same loads on RawWs and on its peers, in turns, and prints medians and ratios. Linux with two cores or more;
# Node and npm for the peers that need them.
#
#   ./bench.sh                          everything; about forty minutes
#   ./bench.sh echo-64 fan-out          some of it
#   ./bench.sh --rounds 9 --seconds 10  longer
#
# The data and a chart of it are left in artifacts/bench.
set -euo pipefail
cd "$(dirname "$0")"

mkdir -p artifacts/bench
data="artifacts/bench/$(date -u +%Y-%m-%dT%H-%M-%S).jsonl"
dotnet build RawWs.Bench -c Release --nologo -v quiet
bench=(dotnet "$(find RawWs.Bench/bin/Release -maxdepth 2 -name RawWs.Bench.dll | head -n 1)")
"${bench[@]}" compare "$@" --data "$data"
[[ -s $data ]] || exit 0 # It was asked for help.
"${bench[@]}" chart "$data" "${data%.jsonl}.svg"
echo "data and chart: ${data%.jsonl}.*"
