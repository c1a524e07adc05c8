// Products with windows of rows: convolutions, dense layers and an LSTM's projections, and their way
// back. Row r of the left matrix is the window that begins `lead` positions before position t of
// sequence a, where r = a * positions + t: numbers that lie one after the other. What lies before or
// after its sequence counts as zero, which is what "same" padding and the way back want.
//
// A block of 256 threads makes a tile of BM x BN sums, a thread TM x TN of them in registers. Two slabs
// of DEPTH numbers of depth are in shared memory: while one is multiplied, the next is fetched. V is how
// many numbers are fetched and put at once: 4 where whatever they belong to is aligned so, else 1.

#define THREADS 256
#define DEPTH 16
// A row of the left tile is longer by this, so that few of its columns share a bank.
#define PAD 4

// V numbers, or zeros where they are not inside.
template <int V> __device__ __forceinline__ void fetch(const float *from, bool inside, float (&to)[V]) {
    for (int v = 0; v < V; v++) to[v] = 0.f;
    if (inside) load<V>(from, to);
}

// A row of a thread's part of a tile: groups of four, so that they are read as one.
template <int B, int T>
__device__ __forceinline__ int place(int thread, int i) {
    if constexpr (T < 4)
        return thread * T + i;
    else
        return i / 4 * (B / (T / 4)) + thread * 4 + i % 4;
}

template <int B, int T>
__device__ __forceinline__ void take(const float *row, int thread, float (&to)[T]) {
    if constexpr (T < 4) {
        for (int i = 0; i < T; i++) to[i] = row[place<B, T>(thread, i)];
    } else {
#pragma unroll
        for (int i = 0; i < T; i += 4) {
            float four[4];
            load<4>(row + place<B, T>(thread, i), four);
#pragma unroll
            for (int v = 0; v < 4; v++) to[i + v] = four[v];
        }
    }
}

// Adds the product of two tiles, `(DEPTH, BM + PAD)` and `(DEPTH, BN)`.
template <int BM, int BN, int TM, int TN>
__device__ __forceinline__ void multiply(const float *left, const float *right, float (&sums)[TM][TN]) {
    int tx = threadIdx.x % (BN / TN), ty = threadIdx.x / (BN / TN);
#pragma unroll
    for (int k = 0; k < DEPTH; k++) {
        float a[TM], b[TN];
        take<BM, TM>(left + k * (BM + PAD), ty, a);
        take<BN, TN>(right + k * BN, tx, b);
#pragma unroll
        for (int i = 0; i < TM; i++)
#pragma unroll
            for (int j = 0; j < TN; j++) sums[i][j] = fmaf(a[i], b[j], sums[i][j]);
    }
}

template <int BM, int BN, int TM, int TN, int V>
__device__ __forceinline__ void put(
    float *to, int row_length, int first_row, int first_column, int rows, int columns, float (&sums)[TM][TN]) {
    int tx = threadIdx.x % (BN / TN), ty = threadIdx.x / (BN / TN);
#pragma unroll
    for (int i = 0; i < TM; i++) {
        int row = first_row + place<BM, TM>(ty, i);
        if (row >= rows) continue;
#pragma unroll
        for (int j = 0; j < TN; j += V) {
            int column = first_column + place<BN, TN>(tx, j);
            float *at = to + (i64)row * row_length + column;
            if (column >= columns) continue;
            if constexpr (V == 4)
                *(float4 *)at = {sums[i][j], sums[i][j + 1], sums[i][j + 2], sums[i][j + 3]};
            else
                *at = sums[i][j];
        }
    }
}

// to[r, c] = sum over k of window(r)[k] weight[k, c], for `rows` windows of `depth` numbers.
// `sequence` is the numbers of a sequence, `row` those of a position; a window begins `shift` numbers
// after its first position does.
template <int BM, int BN, int TM, int TN, int V>
__device__ __forceinline__ void window_product(
    const int *who, const float *input, i64 input_stride, int sequence, int row, int lead, int shift,
    int positions, int rows, const float *weight, i64 weight_stride, float *to, i64 to_stride, int to_row,
    int depth, int columns) {
    // Of each slab a thread fetches LEFTS pieces of V numbers, of which a row has ACROSS, and RIGHTS weights
    // of one column, STEP rows apart: a member's weights may begin anywhere.
    const int ACROSS = DEPTH / V, LEFTS = BM * ACROSS / THREADS;
    const int STEP = THREADS / BN, RIGHTS = (DEPTH + STEP - 1) / STEP;
    const int LEFT = DEPTH * (BM + PAD), SLAB = LEFT + DEPTH * BN;
    SHARED_MEMORY(slabs);
    int member = who[blockIdx.z], thread = threadIdx.x;
    int first_row = blockIdx.x * BM, first_column = blockIdx.y * BN;
    input += member * input_stride;
    weight += member * weight_stride;
    to += member * to_stride;

    int k_left = thread % ACROSS * V, r_left = thread / ACROSS, k_right = thread / BN;
    int column = first_column + thread % BN;
    weight += column;
    // Where a window begins within its sequence, and the sequence in the member's numbers.
    int begin[LEFTS], base[LEFTS];
#pragma unroll
    for (int i = 0; i < LEFTS; i++) {
        int r = first_row + r_left + i * (THREADS / ACROSS);
        int a = r / positions, t = r % positions;
        base[i] = a * sequence;
        // Rows beyond the last lie far before their sequence.
        begin[i] = r < rows ? (t - lead) * row + shift : -0x40000000;
    }

    float sums[TM][TN] = {};
    float next_left[LEFTS][V], next_right[RIGHTS];
    int now = 0;
    for (int k0 = -DEPTH; k0 < depth; k0 += DEPTH) {
        int k1 = k0 + DEPTH;
        if (k1 < depth) {
#pragma unroll
            for (int i = 0; i < LEFTS; i++) {
                int offset = begin[i] + k1 + k_left;
                bool inside = k1 + k_left < depth && (u32)offset < (u32)sequence;
                fetch<V>(input + base[i] + offset, inside, next_left[i]);
            }
#pragma unroll
            for (int i = 0; i < RIGHTS; i++) {
                int k = k1 + k_right + i * STEP;
                next_right[i] = k < depth && column < columns ? weight[k * columns] : 0.f;
            }
        }
        if (k0 >= 0) multiply<BM, BN>(slabs + now * SLAB, slabs + now * SLAB + LEFT, sums);
        if (k1 < depth) {
            // The other slab was last read before the last barrier.
            now = 1 - now;
            float *left = slabs + now * SLAB, *right = left + LEFT;
#pragma unroll
            for (int i = 0; i < LEFTS; i++)
#pragma unroll
                for (int v = 0; v < V; v++)
                    left[(k_left + v) * (BM + PAD) + r_left + i * (THREADS / ACROSS)] = next_left[i][v];
#pragma unroll
            for (int i = 0; i < RIGHTS; i++)
                if (STEP <= DEPTH || k_right < DEPTH) right[thread + i * THREADS] = next_right[i];
        }
        __syncthreads();
    }
    put<BM, BN, TM, TN, V>(to, to_row, first_row, first_column, rows, columns, sums);
}

// partial[k, c] = sum over a chunk of rows of window(r)[k] gradient[r, c]. Chunks are summed by
// `add_partials`, in order. The grid's z counts chunks within members.
template <int BM, int BN, int TM, int TN, int V>
__device__ __forceinline__ void window_gradient(
    const int *who, const float *input, i64 input_stride, int sequence, int row, int lead, int shift,
    int positions, int rows, const float *gradient, i64 gradient_stride, int gradient_row, float *partials,
    int chunks, int chunk, int depth, int columns) {
    // A slab is DEPTH rows of both; a thread fetches pieces of one column of windows, STEP rows apart.
    const int ACROSS = BM / V, STEP = THREADS / ACROSS, LEFTS = (DEPTH + STEP - 1) / STEP;
    const int PIECES = BN / V * DEPTH, RIGHTS = (PIECES + THREADS - 1) / THREADS;
    const int LEFT = DEPTH * (BM + PAD), SLAB = LEFT + DEPTH * BN;
    SHARED_MEMORY(slabs);
    int member = who[blockIdx.z / chunks], part = blockIdx.z % chunks, thread = threadIdx.x;
    int first_k = blockIdx.x * BM, first_column = blockIdx.y * BN;
    int from = part * chunk, until = from + chunk < rows ? from + chunk : rows;
    input += member * input_stride;
    gradient += member * gradient_stride;
    partials += ((i64)member * chunks + part) * depth * columns;

    int k_left = thread % ACROSS * V, r_left = thread / ACROSS;
    float sums[TM][TN] = {};
    float next_left[LEFTS][V], next_right[RIGHTS][V];
    int now = 0;
    for (int r0 = from - DEPTH; r0 < until; r0 += DEPTH) {
        int r1 = r0 + DEPTH;
        if (r1 < until) {
            int r = r1 + r_left, a = r / positions, t = r % positions;
#pragma unroll
            for (int i = 0; i < LEFTS; i++) {
                int offset = (t - lead) * row + shift + first_k + k_left;
                bool inside = r < until && first_k + k_left < depth && (u32)offset < (u32)sequence;
                if (DEPTH < STEP && r_left >= DEPTH) inside = false;
                fetch<V>(input + a * sequence + offset, inside, next_left[i]);
                r += STEP;
                for (t += STEP; t >= positions; t -= positions) a++;
            }
#pragma unroll
            for (int i = 0; i < RIGHTS; i++) {
                int piece = thread + i * THREADS, r_right = r1 + piece / (BN / V);
                int column = first_column + piece % (BN / V) * V;
                bool inside = piece < PIECES && r_right < until && column < columns;
                fetch<V>(gradient + r_right * gradient_row + column, inside, next_right[i]);
            }
        }
        if (r0 >= from) multiply<BM, BN>(slabs + now * SLAB, slabs + now * SLAB + LEFT, sums);
        if (r1 < until) {
            // The other slab was last read before the last barrier.
            now = 1 - now;
            float *left = slabs + now * SLAB, *right = left + LEFT;
#pragma unroll
            for (int i = 0; i < LEFTS; i++)
                if (DEPTH >= STEP || r_left < DEPTH)
                    store<V>(left + (r_left + i * STEP) * (BM + PAD) + k_left, next_left[i]);
#pragma unroll
            for (int i = 0; i < RIGHTS; i++) {
                int piece = thread + i * THREADS;
                if (piece < PIECES) store<V>(right + piece * V, next_right[i]);
            }
        }
        __syncthreads();
    }
    put<BM, BN, TM, TN, V>(partials, columns, first_k, first_column, depth, columns, sums);
}

// With pieces of four, two blocks have room for their registers on a multiprocessor.
#define WINDOW_PRODUCT(BM, BN, V, TM, TN)                                                                  \
    extern "C" __global__ void __launch_bounds__(THREADS, V == 4 ? 2 : 1) window_product_##BM##_##BN##_##V(\
        const int *who, const float *input, i64 input_stride, int sequence, int row, int lead, int shift,  \
        int positions, int rows, const float *weight, i64 weight_stride, float *to, i64 to_stride,         \
        int to_row, int depth, int columns) {                                                              \
        window_product<BM, BN, TM, TN, V>(                                                                 \
            who, input, input_stride, sequence, row, lead, shift, positions, rows, weight, weight_stride,  \
            to, to_stride, to_row, depth, columns);                                                        \
    }

#define WINDOW_GRADIENT(BM, BN, V, TM, TN)                                                                 \
    extern "C" __global__ void __launch_bounds__(THREADS, V == 4 ? 2 : 1)                                  \
        window_gradient_##BM##_##BN##_##V(                                                                 \
        const int *who, const float *input, i64 input_stride, int sequence, int row, int lead, int shift,  \
        int positions, int rows, const float *gradient, i64 gradient_stride, int gradient_row,             \
        float *partials, int chunks, int chunk, int depth, int columns) {                                  \
        window_gradient<BM, BN, TM, TN, V>(                                                                \
            who, input, input_stride, sequence, row, lead, shift, positions, rows, gradient,               \
            gradient_stride, gradient_row, partials, chunks, chunk, depth, columns);                       \
    }

WINDOW_PRODUCT(128, 128, 4, 8, 8)
WINDOW_PRODUCT(128, 128, 1, 8, 8)
WINDOW_PRODUCT(128, 32, 1, 4, 4)
WINDOW_PRODUCT(128, 8, 1, 4, 1)
WINDOW_GRADIENT(128, 128, 4, 8, 8)
WINDOW_GRADIENT(128, 128, 1, 8, 8)
WINDOW_GRADIENT(32, 128, 4, 4, 4)
WINDOW_GRADIENT(32, 128, 1, 4, 4)
WINDOW_GRADIENT(128, 32, 1, 4, 4)
WINDOW_GRADIENT(128, 8, 1, 4, 1)

// gradient[i] = sum over chunks of partials[chunk, i], in order; `to` is where a parameter's gradient
// begins in a member's.
extern "C" __global__ void add_partials(
    const int *who, const float *partials, int chunks, float *to, i64 to_stride, int count) {
    int member = who[blockIdx.z], i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    const float *from = partials + (i64)member * chunks * count + i;
    float sum = 0.f;
    for (int chunk = 0; chunk < chunks; chunk++) sum += from[(i64)chunk * count];
    to[member * to_stride + i] = sum;
}

// Weights (k, c, f) as (k, f, c), the first k last: what the way back multiplies by.
extern "C" __global__ void reverse_weights(
    const int *who, const float *weight, i64 weight_stride, float *to, i64 to_stride, int k, int c, int f) {
    int member = who[blockIdx.z], i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= k * c * f) return;
    int channel = i % c, filter = i / c % f, j = i / (c * f);
    to[member * to_stride + i] = weight[member * weight_stride + ((i64)(k - 1 - j) * c + channel) * f + filter];
}

// partial[chunk, c] = sum over a chunk of rows of numbers[r, c].
extern "C" __global__ void column_sums(
    const int *who, const float *numbers, i64 stride, int row, int rows, int columns, float *partials,
    int chunk) {
    SHARED_MEMORY(sums);
    int member = who[blockIdx.z], column = blockIdx.x * 32 + threadIdx.x % 32, group = threadIdx.x / 32;
    int from = blockIdx.y * chunk, until = from + chunk < rows ? from + chunk : rows;
    float sum = 0.f;
    if (column < columns)
        for (int r = from + group; r < until; r += 8) sum += numbers[member * stride + (i64)r * row + column];
    sums[threadIdx.x] = sum;
    __syncthreads();
    if (group > 0 || column >= columns) return;
    for (int other = 1; other < 8; other++) sum += sums[other * 32 + threadIdx.x];
    partials[((i64)member * gridDim.y + blockIdx.y) * columns + column] = sum;
}
