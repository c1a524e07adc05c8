#!/usr/bin/env bash
# Puts a CUDA 13.0 compiler and link-time stand-ins into .cuda (ignored by git): about 270 MB.
# Then:  . .cuda/env.sh && cargo build --release --features cuda
set -euo pipefail
cd "$(dirname "$0")/../.."
py=${PYTHON:-python3}
"$py" -m pip install --quiet --no-deps --only-binary=:all: --upgrade --target .cuda \
  nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88 \
  nvidia-cuda-runtime==13.0.96 nvidia-cuda-cccl==13.0.85
home=$PWD/.cuda/nvidia/cu13
ln -sf libcudart.so.13 "$home/lib/libcudart.so"
src=$(cargo metadata --format-version 1 --all-features | "$py" -c '
import json, os, sys
for p in json.load(sys.stdin)["packages"]:
    if p["name"] == "cudarc":
        print(os.path.dirname(p["manifest_path"]))')
tools/cuda/make-stubs.sh "$home/lib/stubs" "$src/src"
cat > .cuda/env.sh <<ENV
export CUDA_HOME="$home" PATH="$home/bin:\$PATH" CUDA_COMPUTE_CAP=90
ENV
"$home/bin/nvcc" --version | tail -2
