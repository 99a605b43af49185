#!/usr/bin/env bash
# Builds everything with warnings as errors, checks the formatting and runs every test. Installs what the
# tests need and the machine lacks. Further arguments go to `dotnet test`:
#   ./test.sh --filter TestCategory!=Browser
# With --long first, what takes hours is run as well: soak, storms, 16,000 connections.
# The last line is "N passed, N failed" (and ", N skipped" if any were). Exit code 0 only if none failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
exec </dev/null

# A compiler that stays behind would hold the output of this script open.
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1

if [[ ${1:-} == --long ]]; then
  export RAWWS_TESTS_LONG=1
  shift
fi

readonly results=artifacts/test-results
readonly packages=(RawWs.Tests/EndToEnd/browser RawWs.Tests/EndToEnd/socketio)
stage="preparing"

# The sum of one attribute of the counters in all reports.
counted() {
  cat "$results"/*.trx 2>/dev/null | grep -o '<Counters [^>]*' | grep -o " $1=\"[0-9]*\"" |
    tr -dc '0-9\n' | awk '{ sum += $1 } END { print sum + 0 }' || true
}

finish() {
  local code=$? total executed passed failed skipped
  total=$(counted total) executed=$(counted executed) passed=$(counted passed)
  skipped=$((total - executed)) failed=$((executed - passed))
  if ((total == 0 && code == 0)); then
    echo "No test has run." >&2
    code=1
  fi
  if ((failed > 0 && code == 0)); then code=1; fi
  if ((failed == 0 && code != 0)); then
    echo "Failed while $stage." >&2
    failed=1
  fi
  printf '%d passed, %d failed' "$passed" "$failed"
  if ((skipped > 0)); then printf ', %d skipped' "$skipped"; fi
  printf '\n'
  exit "$code"
}

as_root() {
  if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

install_chromium() {
  if [[ -n ${CHROMIUM_PATH:-} && -x $CHROMIUM_PATH ]]; then return; fi
  if ! command -v chromium >/dev/null; then
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy chromium
  fi
  CHROMIUM_PATH=$(command -v chromium)
  export CHROMIUM_PATH
}

install_python_client() {
  if /usr/bin/python3 -c 'import socketio, requests, websocket, websockets' 2>/dev/null; then return; fi
  as_root apt-get update -q
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy \
    python3-socketio python3-requests python3-websocket python3-websockets
}

rm -rf "$results"
trap finish EXIT

stage="installing the clients of the tests"
install_chromium
install_python_client
for package in "${packages[@]}"; do
  (cd "$package" && npm ci --no-audit --no-fund --loglevel=error)
done

stage="building"
dotnet build RawWs.sln -c Release -warnaserror

stage="checking the format"
dotnet format RawWs.sln --verify-no-changes --no-restore

stage="testing"
dotnet test RawWs.sln -c Release --no-build --logger trx --results-directory "$results" "$@"

# The server's tests once more.
test_again() {
  stage="$1"
  env RAWWS_TESTS_LONG=0 "$2" \
    dotnet test RawWs.sln -c Release --no-build --logger trx --results-directory "$results" \
    --filter 'FullyQualifiedName!~.Protocol.&FullyQualifiedName!~.EndToEnd.&FullyQualifiedName!~LoadTests'
}

if (($# == 0)); then
  # As servers are where the system has no epoll; and with io_uring also for what goes to few.
  test_again "testing on the thread pool" RAWWS_TESTS_EVENT_LOOPS=0
  test_again "testing with io_uring" RAWWS_TESTS_RING=1
fi
