// Sequences as codes: gathered for a batch, looked up by a first convolution, expanded to one-hot
// numbers, mutated; and gradients that meet them.

// The codes of a batch (m, n, l), from rows of the store.
extern "C" __global__ void gather_codes(
    const int *who, const u8 *store, const u32 *rows, u8 *codes, int size, int length) {
    int member = who[blockIdx.z];
    for (int a = blockIdx.y; a < size; a += gridDim.y) {
        int t = blockIdx.x * blockDim.x + threadIdx.x;
        if (t >= length) return;
        i64 sequence = (i64)member * size + a;
        codes[sequence * length + t] = store[(i64)rows[sequence] * length + t];
    }
}

// The codes of mutants `first` to `first + size` of a member's `own` codes (sequences, l): mutant i has
// base i % 4 at position i / 4 % l of sequence i / 4 / l.
extern "C" __global__ void mutate_codes(
    const int *who, const u8 *own, int sequences, u8 *codes, int first, int size, int length) {
    int member = who[blockIdx.z];
    for (int a = blockIdx.y; a < size; a += gridDim.y) {
        int t = blockIdx.x * blockDim.x + threadIdx.x;
        if (t >= length) return;
        int mutant = first + a, sequence = mutant / 4 / length;
        u8 code = own[((i64)member * sequences + sequence) * length + t];
        codes[((i64)member * size + a) * length + t] = mutant / 4 % length == t ? (u8)(mutant % 4) : code;
    }
}

// One-hot numbers (m, n, l, 4); an unknown base is zero.
extern "C" __global__ void one_hot(const int *who, const u8 *codes, float *to, int count) {
    int member = who[blockIdx.z], i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count * 4) return;
    to[(i64)member * count * 4 + i] = codes[(i64)member * count + i / 4] == i % 4 ? 1.f : 0.f;
}

// A convolution on codes: to[a, t, f] = sum over j of weight[j, code(t + j - lead), f]. Weights of
// `tile` filters are in shared memory, with a row of zeros for the unknown base; a thread makes V sums.
template <int V>
__device__ __forceinline__ void look_up(
    const int *who, const u8 *codes, int length, int lead, int positions, int rows, const float *weight,
    i64 weight_stride, int width, int filters, int tile, float *to) {
    SHARED_MEMORY(table);
    int member = who[blockIdx.z], first = blockIdx.y * tile;
    weight += member * weight_stride;
    for (int i = threadIdx.x; i < width * 5 * tile; i += blockDim.x) {
        int f = first + i % tile, base = i / tile % 5, j = i / tile / 5;
        table[i] = base < UNKNOWN && f < filters ? weight[(i64)(j * 4 + base) * filters + f] : 0.f;
    }
    __syncthreads();
    int lanes = tile / V, lane = threadIdx.x % lanes * V, groups = blockDim.x / lanes, f = first + lane;
    if (f >= filters) return;
    codes += (i64)member * (rows / positions) * length;
    to += (i64)member * rows * filters + f;
    table += lane;
    for (int r = blockIdx.x * groups + threadIdx.x / lanes; r < rows; r += gridDim.x * groups) {
        int a = r / positions, begin = r % positions - lead;
        const u8 *code = codes + a * length + begin;
        int until = begin + width < length ? width : length - begin;
        float sums[V] = {};
        for (int j = begin < 0 ? -begin : 0; j < until; j++) {
            float part[V];
            load<V>(table + (j * 5 + code[j]) * tile, part);
#pragma unroll
            for (int v = 0; v < V; v++) sums[v] += part[v];
        }
        store<V>(to + (i64)r * filters, sums);
    }
}

#define LOOK_UP(V)                                                                                         \
    extern "C" __global__ void look_up_##V(                                                                \
        const int *who, const u8 *codes, int length, int lead, int positions, int rows,                    \
        const float *weight, i64 weight_stride, int width, int filters, int tile, float *to) {             \
        look_up<V>(                                                                                        \
            who, codes, length, lead, positions, rows, weight, weight_stride, width, filters, tile, to);   \
    }

LOOK_UP(4)
LOOK_UP(1)

// The gradient of a convolution's weights by code: partial[j, base, f] = sum over a chunk of sequences
// of gradient[a, t, f] wherever code(t + j - lead) is the base; after those of all chunks, where they are
// wanted, totals[f] = sum of gradient[a, t, f]. A thread owns a filter's column.
//
// For any width, sums are in shared memory.
extern "C" __global__ void gather_gradient(
    const int *who, const u8 *codes, int length, int lead, int positions, int sequences,
    const float *gradient, int gradient_row, int width, int filters, float *partials, float *totals,
    int chunk) {
    SHARED_MEMORY(table);
    int tile = blockDim.x, lane = threadIdx.x, member = who[blockIdx.z], f = blockIdx.y * tile + lane;
    for (int i = lane; i < width * 5 * tile; i += tile) table[i] = 0.f;
    __syncthreads();
    if (f >= filters) return;
    int from = blockIdx.x * chunk, until = from + chunk < sequences ? from + chunk : sequences;
    float total = 0.f;
    for (int a = from; a < until; a++) {
        i64 sequence = (i64)member * sequences + a;
        const u8 *code = codes + sequence * length;
        const float *rows = gradient + sequence * positions * gradient_row + f;
        for (int t = 0; t < positions; t++) {
            float g = rows[(i64)t * gradient_row];
            if (g == 0.f) continue;
            total += g;
            for (int j = 0; j < width; j++) {
                int p = t + j - lead;
                if (p >= 0 && p < length) table[(j * 5 + code[p]) * tile + lane] += g;
            }
        }
    }
    i64 part = (i64)member * gridDim.x + blockIdx.x;
    if (totals) totals[part * filters + f] = total;
    partials += part * width * 4 * filters;
    for (int i = 0; i < width * 4; i++)
        partials[(i64)i * filters + f] = table[(i / 4 * 5 + i % 4) * tile + lane];
}

// For widths that have a kernel of their own, sums are in registers: position after position, the
// gradients of the W windows that see it are added to the sums of the base that is there.
template <int W>
__device__ __forceinline__ void gather_gradient_in_registers(
    const int *who, const u8 *codes, int length, int lead, int positions, int sequences,
    const float *gradient, int gradient_row, int filters, float *partials, float *totals, int chunk) {
    int member = who[blockIdx.z], f = blockIdx.y * blockDim.x + threadIdx.x;
    if (f >= filters) return;
    int from = blockIdx.x * chunk, until = from + chunk < sequences ? from + chunk : sequences;
    float sums[W][4] = {}, total = 0.f;
    for (int a = from; a < until; a++) {
        i64 sequence = (i64)member * sequences + a;
        const u8 *code = codes + sequence * length;
        const float *rows = gradient + sequence * positions * gradient_row + f;
        // Gradients of the windows at positions p + lead - W to p + lead - 1, then of the next W.
        float old[W], now[W];
#pragma unroll
        for (int s = 0; s < W; s++) {
            int t = lead - W + s;
            now[s] = t >= 0 && t < positions ? rows[t * gradient_row] : 0.f;
            total += now[s];
        }
        for (int p = 0; p < length; p += W) {
            int here[W];
#pragma unroll
            for (int s = 0; s < W; s++) {
                int t = p + s + lead;
                old[s] = now[s];
                now[s] = t < positions ? rows[t * gradient_row] : 0.f;
                here[s] = p + s < length ? code[p + s] : UNKNOWN;
            }
#pragma unroll
            for (int s = 0; s < W; s++) {
                total += now[s];
                // Times one or zero: branches would take longer than what they leave out.
#pragma unroll
                for (int base = 0; base < 4; base++) {
                    float is = here[s] == base ? 1.f : 0.f;
#pragma unroll
                    for (int j = 0; j < W; j++)
                        sums[j][base] = fmaf(is, j <= s ? now[s - j] : old[W + s - j], sums[j][base]);
                }
            }
        }
    }
    i64 part = (i64)member * gridDim.x + blockIdx.x;
    if (totals) totals[part * filters + f] = total;
    partials += part * W * 4 * filters + f;
#pragma unroll
    for (int i = 0; i < W * 4; i++) partials[(i64)i * filters] = sums[i / 4][i % 4];
}

#define GATHER_GRADIENT(W)                                                                                 \
    extern "C" __global__ void gather_gradient_##W(                                                        \
        const int *who, const u8 *codes, int length, int lead, int positions, int sequences,               \
        const float *gradient, int gradient_row, int filters, float *partials, float *totals, int chunk) { \
        gather_gradient_in_registers<W>(                                                                   \
            who, codes, length, lead, positions, sequences, gradient, gradient_row, filters, partials,     \
            totals, chunk);                                                                                \
    }

GATHER_GRADIENT(1)
GATHER_GRADIENT(9)

// Sums the 32 numbers of each group of threads; all groups of a block come here together.
__device__ __forceinline__ float add_lanes(float *room, float sum) {
    float *own = room + threadIdx.x / 32 * 32;
    int lane = threadIdx.x % 32;
    own[lane] = sum;
    for (int half = 16; half > 0; half /= 2) {
        __syncthreads();
        if (lane < half) own[lane] += own[lane + half];
    }
    __syncthreads();
    return own[0];
}

// The derivative by the base that is there, to (m, n, l): sum over j of
// gradient[a, p + lead - j] . weight[j, code(p)], 0 at an unknown base. 32 threads make one number.
extern "C" __global__ void observed_gradient(
    const int *who, const u8 *codes, int length, int lead, int positions, int sequences,
    const float *gradient, int gradient_row, const float *weight, i64 weight_stride, int width, int filters,
    float *to, int add) {
    SHARED_MEMORY(room);
    int member = who[blockIdx.z], lane = threadIdx.x % 32;
    int i = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
    i64 sequence = (i64)member * sequences + i / length;
    int p = i % length, code = i < sequences * length ? codes[sequence * length + p] : UNKNOWN;
    float sum = 0.f;
    if (code < UNKNOWN)
        for (int j = 0; j < width; j++) {
            int t = p + lead - j;
            if (t < 0 || t >= positions) continue;
            const float *row = gradient + (sequence * positions + t) * gradient_row;
            const float *by = weight + member * weight_stride + (i64)(j * 4 + code) * filters;
            for (int f = lane; f < filters; f += 32) sum = fmaf(row[f], by[f], sum);
        }
    sum = add_lanes(room, sum);
    if (lane > 0 || i >= sequences * length) return;
    float *place = to + (i64)member * sequences * length + i;
    *place = add ? *place + sum : sum;
}

// Of each position's four derivatives (m, n, l, 4) that by the base that is there, to (m, n, l).
extern "C" __global__ void pick_observed(
    const int *who, const u8 *codes, const float *bases, float *to, int count) {
    int member = who[blockIdx.z], i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    i64 at = (i64)member * count + i;
    to[at] = codes[at] < UNKNOWN ? bases[at * 4 + codes[at]] : 0.f;
}

// Numbers of each member from one stride to another.
extern "C" __global__ void copy_members(
    const int *who, const float *from, i64 from_stride, float *to, i64 to_stride, int count) {
    int member = who[blockIdx.z], i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) to[member * to_stride + i] = from[member * from_stride + i];
}
