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
// `tile` filters are in shared memory, with a row of zeros for the unknown base.
extern "C" __global__ void look_up(
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
    int lane = threadIdx.x % tile, groups = blockDim.x / tile, f = first + lane;
    if (f >= filters) return;
    i64 sequences = rows / positions;
    for (int r = blockIdx.x * groups + threadIdx.x / tile; r < rows; r += gridDim.x * groups) {
        int a = r / positions, t = r % positions;
        const u8 *code = codes + (member * sequences + a) * length;
        float sum = 0.f;
        for (int j = 0; j < width; j++) {
            int p = t + j - lead;
            if (p >= 0 && p < length) sum += table[(j * 5 + code[p]) * tile + lane];
        }
        to[((i64)member * rows + r) * filters + f] = sum;
    }
}

// The gradient of a convolution's weights by code: partial[j, base, f] = sum over a chunk of sequences
// of gradient[a, t, f] wherever code(t + j - lead) is the base. A thread owns a filter's column.
extern "C" __global__ void gather_gradient(
    const int *who, const u8 *codes, int length, int lead, int positions, int sequences,
    const float *gradient, int gradient_row, int width, int filters, float *partials, int chunk) {
    SHARED_MEMORY(table);
    int tile = blockDim.x, lane = threadIdx.x, member = who[blockIdx.z], f = blockIdx.y * tile + lane;
    for (int i = lane; i < width * 5 * tile; i += tile) table[i] = 0.f;
    __syncthreads();
    if (f >= filters) return;
    int from = blockIdx.x * chunk, until = from + chunk < sequences ? from + chunk : sequences;
    for (int a = from; a < until; a++) {
        i64 sequence = (i64)member * sequences + a;
        const u8 *code = codes + sequence * length;
        const float *rows = gradient + sequence * positions * gradient_row + f;
        for (int t = 0; t < positions; t++) {
            float g = rows[(i64)t * gradient_row];
            if (g == 0.f) continue;
            for (int j = 0; j < width; j++) {
                int p = t + j - lead;
                if (p >= 0 && p < length) table[(j * 5 + code[p]) * tile + lane] += g;
            }
        }
    }
    partials += ((i64)member * gridDim.x + blockIdx.x) * width * 4 * filters;
    for (int i = 0; i < width * 4; i++)
        partials[(i64)i * filters + f] = table[(i / 4 * 5 + i % 4) * tile + lane];
}

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
