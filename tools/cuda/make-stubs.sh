#!/usr/bin/env bash
# Link-time stand-ins for the CUDA libraries that candle's `cuda` feature links against.
# They hold the symbol names only, so that a release binary links on a machine without
# CUDA; at run time the real libraries are found through LD_LIBRARY_PATH.
# usage: make-stubs.sh OUT_DIR CUDARC_SRC_DIR
set -euo pipefail
out=$1 src=$2
mkdir -p "$out"
# lib soname return-code cudarc-module
while read -r lib soname rc mod; do
  c="$out/$lib.c"
  grep -ohE 'pub unsafe fn [a-z]\w+' "$src/$mod/sys/mod.rs" | awk '{print $4}' \
    | grep -vE '^(culib|is_culib_present)$' | sort -u \
    | awk -v rc="$rc" '{ printf "int %s(void) { return %s; }\n", $1, rc }' > "$c"
  gcc -w -shared -fPIC -O1 -fno-builtin -Wl,-soname,"$soname" -o "$out/$lib.so" "$c"
  ln -sf "$lib.so" "$out/$soname"
  rm "$c"
done <<LIBS
libcuda libcuda.so.1 100 driver
libcublas libcublas.so.13 1 cublas
libcublasLt libcublasLt.so.13 1 cublaslt
libcurand libcurand.so.10 203 curand
libnvrtc libnvrtc.so.13 11 nvrtc
LIBS
