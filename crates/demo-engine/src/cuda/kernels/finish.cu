// What follows a linear map, in one pass: bias, max-pool, activation, dropout; and the way back through
// it. All activations rise, so that the maximum comes first.

// Philox4x32-10 (Salmon et al., SC 2011), bit for bit the host's.
__device__ __forceinline__ void philox(u32 (&counter)[4], u32 key0, u32 key1) {
    for (int round = 0; round < 10; round++) {
        u64 first = 0xD2511F53ull * counter[0], second = 0xCD9E8D57ull * counter[2];
        u32 high = (u32)(second >> 32) ^ counter[1] ^ key0, other = (u32)(first >> 32) ^ counter[3] ^ key1;
        counter[0] = high;
        counter[1] = (u32)second;
        counter[2] = other;
        counter[3] = (u32)first;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
}

__device__ __forceinline__ void draw(u32 (&block)[4], u32 number, u32 slot, u64 step, u32 key0, u32 key1) {
    block[0] = number;
    block[1] = slot;
    block[2] = (u32)step;
    block[3] = (u32)(step >> 32);
    philox(block, key0, key1);
}

// The dropout bits of a layer, `words` 32-bit words a sequence, a multiple of four: element e is kept
// where bit e % 32 of word e / 32 is set. `keys` has two words a member. All ones stand for a rate of one
// half, one random bit an element; another threshold is compared with sixteen.
extern "C" __global__ void dropout_bits(
    const int *who, u32 *bits, int sequences, int words, const u32 *keys, u64 step, u32 threshold) {
    int member = who[blockIdx.z], i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= sequences * (words / 4)) return;
    u32 slot = i / (words / 4), number = i % (words / 4), key0 = keys[member * 2], key1 = keys[member * 2 + 1];
    u32 *to = bits + ((i64)member * sequences + slot) * words + number * 4;
    u32 block[4];
    if (threshold == 0xFFFFFFFFu) {
        draw(block, number, slot, step, key0, key1);
        for (int word = 0; word < 4; word++) to[word] = block[word];
        return;
    }
    for (int word = 0; word < 4; word++) {
        u32 kept = 0;
        for (int part = 0; part < 4; part++) {
            draw(block, (number * 4 + word) * 4 + part, slot, step, key0, key1);
            for (int pair = 0; pair < 4; pair++) {
                u32 low = (block[pair] & 0xFFFF) >= threshold, high = block[pair] >> 16 >= threshold;
                kept |= (low | high << 1) << (part * 8 + pair * 2);
            }
        }
        to[word] = kept;
    }
}

// The dropout bits of elements that begin at a multiple of V, the first in the lowest bit; all ones where
// there are none.
__device__ __forceinline__ u32 kept(const u32 *bits, i64 sequence, int words, int element) {
    return bits ? bits[sequence * words + element / 32] >> element % 32 : 0xFFFFFFFFu;
}

// to[a, q, c] = dropout(f(max over j of from[a, q pool + j, c] + bias[c])), for (n, l, c) to
// (n, l / pool, c), V channels a thread; without bias or bits where these are null.
template <int V>
__device__ __forceinline__ void finish(
    const int *who, const float *from, int sequences, int positions, int channels, int pool, int function,
    const float *bias, i64 bias_stride, const u32 *bits, int words, float scale, float *to) {
    int member = who[blockIdx.z], outputs = positions / pool * channels;
    int e = (blockIdx.x * blockDim.x + threadIdx.x) * V;
    if (e >= outputs) return;
    int c = e % channels, q = e / channels;
    float shift[V];
#pragma unroll
    for (int v = 0; v < V; v++) shift[v] = bias ? bias[member * bias_stride + c + v] : 0.f;
    for (int a = blockIdx.y; a < sequences; a += gridDim.y) {
        i64 sequence = (i64)member * sequences + a;
        const float *window = from + (sequence * positions + (i64)q * pool) * channels + c;
        float best[V], x[V];
        load<V>(window, best);
        for (int j = 1; j < pool; j++) {
            load<V>(window + (i64)j * channels, x);
#pragma unroll
            for (int v = 0; v < V; v++) best[v] = x[v] > best[v] ? x[v] : best[v];
        }
        u32 keep = kept(bits, sequence, words, e);
#pragma unroll
        for (int v = 0; v < V; v++) {
            float y = activate(function, bias ? best[v] + shift[v] : best[v]);
            if (bits) y = keep >> v & 1 ? y * scale : 0.f;
            best[v] = y;
        }
        store<V>(to + sequence * outputs + e, best);
    }
}

#define FINISH(V)                                                                                          \
    extern "C" __global__ void finish_##V(                                                                 \
        const int *who, const float *from, int sequences, int positions, int channels, int pool,           \
        int function, const float *bias, i64 bias_stride, const u32 *bits, int words, float scale,         \
        float *to) {                                                                                       \
        finish<V>(                                                                                         \
            who, from, sequences, positions, channels, pool, function, bias, bias_stride, bits, words,     \
            scale, to);                                                                                    \
    }

FINISH(4)
FINISH(1)

// The way back: the gradient of `outputs` becomes that of what the pools saw, at the first maximum of
// each; other positions get zero. `to` may be `from` itself. `keep` undoes the scale of dropout.
// partials[chunk, c] is the gradient of the bias over a chunk of sequences, where it is not null. A block
// has 32 V channels.
template <int V>
__device__ __forceinline__ void finish_gradient(
    const int *who, const float *from, float *to, int sequences, int positions, int channels, int pool,
    int function, const float *outputs, const float *gradient, const u32 *bits, int words, float scale,
    float keep, float *partials, int chunk) {
    SHARED_MEMORY(room);
    int member = who[blockIdx.z], group = threadIdx.x / 32, lane = threadIdx.x % 32 * V;
    int c = blockIdx.x * 32 * V + lane, windows = positions / pool, first = blockIdx.y * chunk;
    int until = first + chunk < sequences ? first + chunk : sequences;
    float sums[V] = {};
    if (c < channels)
        // The windows of all sequences one after the other, eight groups in turns.
        for (int a = first + group / windows, q = group % windows; a < until;) {
            i64 sequence = (i64)member * sequences + a;
            i64 at = (sequence * windows + q) * channels + c;
            i64 begin = (sequence * positions + (i64)q * pool) * channels + c;
            float g[V], y[V], best[V], x[V];
            int place[V] = {};
            load<V>(gradient + at, g);
            load<V>(outputs + at, y);
            u32 stays = kept(bits, sequence, words, q * channels + c);
#pragma unroll
            for (int v = 0; v < V; v++) {
                if (bits) g[v] = stays >> v & 1 ? g[v] * scale : 0.f;
                g[v] = g[v] * slope(function, y[v] * keep);
                sums[v] += g[v];
            }
            if (pool > 1) load<V>(from + begin, best);
            for (int j = 1; j < pool; j++) {
                load<V>(from + begin + (i64)j * channels, x);
#pragma unroll
                for (int v = 0; v < V; v++)
                    if (x[v] > best[v]) {
                        best[v] = x[v];
                        place[v] = j;
                    }
            }
            // The last window also clears what no window covers.
            int end = q + 1 < windows ? pool : positions - q * pool;
            for (int j = 0; j < end; j++) {
#pragma unroll
                for (int v = 0; v < V; v++) x[v] = j == place[v] ? g[v] : 0.f;
                store<V>(to + begin + (i64)j * channels, x);
            }
            for (q += 8; q >= windows; q -= windows) a++;
        }
    if (!partials) return;
    store<V>(room + group * 32 * V + lane, sums);
    __syncthreads();
    int column = threadIdx.x;
    if (column >= 32 * V || blockIdx.x * 32 * V + column >= channels) return;
    float sum = 0.f;
    for (int other = 0; other < 8; other++) sum += room[other * 32 * V + column];
    partials[((i64)member * gridDim.y + blockIdx.y) * channels + blockIdx.x * 32 * V + column] = sum;
}

#define FINISH_GRADIENT(V)                                                                                 \
    extern "C" __global__ void finish_gradient_##V(                                                        \
        const int *who, const float *from, float *to, int sequences, int positions, int channels,          \
        int pool, int function, const float *outputs, const float *gradient, const u32 *bits, int words,   \
        float scale, float keep, float *partials, int chunk) {                                             \
        finish_gradient<V>(                                                                                \
            who, from, to, sequences, positions, channels, pool, function, outputs, gradient, bits, words, \
            scale, keep, partials, chunk);                                                                 \
    }

FINISH_GRADIENT(4)
FINISH_GRADIENT(1)
