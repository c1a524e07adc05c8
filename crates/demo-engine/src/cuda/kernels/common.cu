// What all kernels share. The files of this folder are one source, in the order of `SOURCE` in
// `source.rs`; NVRTC compiles it for a device, a C++ compiler for the emulator. So there are no headers,
// no warp intrinsics, no atomics, and no shared memory but what a launch asks for.
//
// Numbers are (m, n, l, c): member, sequence, position, channel, of the n sequences of a run. A grid's z
// counts the members that take part, whose numbers are in `who`: a member's numbers depend on no other's.

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

#ifndef EMULATED
extern __shared__ __align__(16) unsigned char shared_memory[];
#endif
#define SHARED_MEMORY(name) float *name = (float *)shared_memory

#define UNKNOWN 4
#define LOWEST __int_as_float(0xff800000)

// The value of an activation; the numbers are those of `function_number`. A NaN stays one.
__device__ __forceinline__ float activate(int function, float x) {
    switch (function) {
    case 0: return x < 0.f ? 0.f : x;
    case 1: return expf(x);
    case 2: return 1.f / (1.f + expf(-x));
    case 3: return tanhf(x);
    case 4: return (x > 0.f ? x : 0.f) + log1pf(expf(x < 0.f ? x : -x));
    case 6: return x < 0.f ? expm1f(x) : x;
    default: return x;
    }
}

// The slope of an activation where its value is y.
__device__ __forceinline__ float slope(int function, float y) {
    switch (function) {
    case 0: return y > 0.f ? 1.f : 0.f;
    case 1: return y;
    case 2: return y * (1.f - y);
    case 3: return 1.f - y * y;
    case 4: return -expm1f(-y);
    case 6: return y < 0.f ? y + 1.f : 1.f;
    default: return 1.f;
    }
}

__device__ __forceinline__ float sigmoid(float x) { return 1.f / (1.f + expf(-x)); }

// V numbers side by side, one or four.
template <int V> __device__ __forceinline__ void load(const float *from, float (&to)[V]) {
    if constexpr (V == 4) {
        float4 four = *(const float4 *)from;
        to[0] = four.x;
        to[1] = four.y;
        to[2] = four.z;
        to[3] = four.w;
    } else {
        to[0] = *from;
    }
}

template <int V> __device__ __forceinline__ void store(float *to, const float (&from)[V]) {
    if constexpr (V == 4)
        *(float4 *)to = {from[0], from[1], from[2], from[3]};
    else
        *to = from[0];
}
