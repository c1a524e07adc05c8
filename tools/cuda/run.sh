#!/usr/bin/env bash
# On the GPU machine: unpacks NAME once and runs it with the CUDA libraries that the Python
# packages brought on the library path.  run.sh NAME [ARGS...]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
name=$1
shift
bin=${XDG_CACHE_HOME:-$HOME/.cache}/demo-gpu
mkdir -p "$bin"
libs=$(python3 - "$here/$name.xz" "$bin/$name" <<'PY'
import glob, lzma, os, sys
packed, out = sys.argv[1:3]
if not os.path.exists(out) or os.path.getmtime(out) < os.path.getmtime(packed):
    with open(out + ".part", "wb") as f:
        f.write(lzma.open(packed).read())
    os.chmod(out + ".part", 0o755)
    os.replace(out + ".part", out)
print(":".join(d for p in sys.path for d in sorted(glob.glob(os.path.join(p, "nvidia", "*", "lib")))))
PY
)
export LD_LIBRARY_PATH="$libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
if missing=$(ldd "$bin/$name" | grep 'not found'); then
  echo "missing libraries (looked in $LD_LIBRARY_PATH):" >&2
  echo "$missing" >&2
  exit 1
fi
exec "$bin/$name" "$@"
