#!/usr/bin/env bash
# Compiles the engine's kernels for two generations of devices: fails on a warning or a spilled register,
# and prints each kernel's registers. First:  tools/cuda/setup.sh && . .cuda/env.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
kernels=crates/demo-engine/src/cuda/kernels
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
# In the order of source.rs.
grep -o 'kernels/[a-z]*\.cu' "${kernels%kernels}source.rs" | sed "s|^|${kernels%kernels}|" | xargs cat > "$folder/all.cu"
for capability in 80 90; do
  "${CUDA_HOME:?read .cuda/env.sh first}/bin/nvcc" "-arch=sm_$capability" -Xptxas -v,-warn-spills -Werror all-warnings -cubin -o "$folder/all.cubin" \
    "$folder/all.cu" 2> "$folder/log" || { cat "$folder/log"; exit 1; }
  echo "sm_$capability"
  awk -F"'" '/Compiling entry/ { name = $2 } / registers/ { match($0, /[0-9]+ registers/); print "  " name ": " substr($0, RSTART, RLENGTH) }' "$folder/log"
done
