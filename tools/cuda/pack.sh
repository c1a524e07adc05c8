#!/usr/bin/env bash
# Builds what a GPU machine needs and packs it into .gpu/: `xtask`, and the tests that compare
# CUDA with the CPU (`engine-tests`, `models-tests`). First:  tools/cuda/setup.sh && . .cuda/env.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${CUDA_HOME:?read .cuda/env.sh first}"
# The tests' binaries have a hash in their names, which cargo tells.
cargo build --release --features cuda -p xtask
tests=$(cargo test --release --features cuda --no-run --message-format=json \
  -p demo-engine -p demo-models --test engine --lib | python3 -c '
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("executable") and message["profile"]["test"]:
        print(message["target"]["name"], message["executable"])')
rm -rf .gpu && mkdir -p .gpu
pack() {
  strip --strip-debug -o ".gpu/$2" "$1"
  python3 - ".gpu/$2" ".gpu/$2.xz" <<'PY'
import lzma, os, sys
data = open(sys.argv[1], "rb").read()
open(sys.argv[2], "wb").write(lzma.compress(data, preset=3))
print(sys.argv[2], len(data) >> 20, "MiB ->", os.path.getsize(sys.argv[2]) >> 20, "MiB")
PY
  rm ".gpu/$2"
}
target=${CARGO_TARGET_DIR:-target}/release
pack "$target/xtask" xtask
while read -r name path; do
  case $name in
    engine) pack "$path" engine-tests ;;
    demo_models) pack "$path" models-tests ;;
  esac
done <<< "$tests"
cp tools/cuda/run.sh .gpu/
