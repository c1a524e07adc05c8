// A bidirectional LSTM, one launch for all steps. A block owns GROUP sequences of one direction. For the
// numbers of hidden units that have kernels of their own, recurrent weights stay in registers; for others
// in shared memory, where they fit (`on_chip`). States stay on chip always.
//
// Gates are (n, l, 8h): at each position the forward direction's i, f, g, o, then the backward
// direction's. States h and c are (n, l, 2h). The grid's y is the direction.

#define GROUP 8

// What one direction reads: parameters of a member begin at `parameters`, and of those the input
// weights (c, 4h), the recurrent weights (h, 4h) and the bias (4h) at these places.
struct Direction {
    const float *input, *recurrent, *bias;
};

__device__ __forceinline__ Direction direction_of(
    const float *parameters, i64 stride, int member, const int *places) {
    const float *own = parameters + member * stride;
    const int *place = places + blockIdx.y * 3;
    return {own + place[0], own + place[1], own + place[2]};
}

// Copies the recurrent weights to shared memory where they stay there; where the next array begins.
__device__ __forceinline__ float *load_recurrent(float *room, const float *from, int h, int on_chip) {
    if (!on_chip) return room;
    for (int i = threadIdx.x; i < 4 * h * h; i += blockDim.x) room[i] = from[i];
    return room + 4 * h * h;
}

// gates[s, j] += sum over i of states[s, i] recurrent[i, j], for one j and all s.
__device__ __forceinline__ void add_recurrent(
    const float *recurrent, const float *states, int h, int pitch, int j, float (&sums)[GROUP]) {
    int i = 0;
    for (; i + 3 < h; i += 4) {
        float w0 = recurrent[i * 4 * h + j], w1 = recurrent[(i + 1) * 4 * h + j];
        float w2 = recurrent[(i + 2) * 4 * h + j], w3 = recurrent[(i + 3) * 4 * h + j];
#pragma unroll
        for (int s = 0; s < GROUP; s++) {
            float4 four = *(const float4 *)(states + s * pitch + i);
            sums[s] = fmaf(four.x, w0, sums[s]);
            sums[s] = fmaf(four.y, w1, sums[s]);
            sums[s] = fmaf(four.z, w2, sums[s]);
            sums[s] = fmaf(four.w, w3, sums[s]);
        }
    }
    for (; i < h; i++) {
        float w = recurrent[i * 4 * h + j];
#pragma unroll
        for (int s = 0; s < GROUP; s++) sums[s] = fmaf(states[s * pitch + i], w, sums[s]);
    }
}

// All steps of the first `sequences` sequences. `gates` holds the input's part where `codes` is null;
// with `keep` it is left with the gates after their activations.
extern "C" __global__ void lstm_forward(
    const int *who, float *gates, float *hidden, float *cell, const float *parameters, i64 stride,
    const int *places, const u8 *codes, int sequences, int length, int h, int keep, int on_chip) {
    SHARED_MEMORY(room);
    int member = who[blockIdx.z], direction = blockIdx.y, first = blockIdx.x * GROUP, pitch = (h + 3) / 4 * 4;
    Direction own = direction_of(parameters, stride, member, places);
    float *states = room, *cells = states + GROUP * pitch, *now = cells + GROUP * h;
    float *recurrent = now + GROUP * 4 * h, *input = load_recurrent(recurrent, own.recurrent, h, on_chip);
    const float *weights = on_chip ? recurrent : own.recurrent;
    for (int i = threadIdx.x; i < GROUP * pitch; i += blockDim.x) states[i] = 0.f;
    for (int i = threadIdx.x; i < GROUP * h; i += blockDim.x) cells[i] = 0.f;
    if (codes)
        for (int i = threadIdx.x; i < 5 * 4 * h; i += blockDim.x) input[i] = i < 16 * h ? own.input[i] : 0.f;
    __syncthreads();
    i64 base = (i64)member * sequences + first;
    int count = sequences - first < GROUP ? sequences - first : GROUP;
    for (int step = 0; step < length; step++) {
        int t = direction == 0 ? step : length - 1 - step;
        for (int j = threadIdx.x; j < 4 * h; j += blockDim.x) {
            float sums[GROUP];
            float shift = own.bias[j];
#pragma unroll
            for (int s = 0; s < GROUP; s++) {
                i64 row = (base + (s < count ? s : 0)) * length + t;
                float x = codes ? input[codes[row] * 4 * h + j] : gates[row * 8 * h + direction * 4 * h + j];
                sums[s] = x + shift;
            }
            add_recurrent(weights, states, h, pitch, j, sums);
#pragma unroll
            for (int s = 0; s < GROUP; s++) now[s * 4 * h + j] = sums[s];
        }
        __syncthreads();
        for (int item = threadIdx.x; item < count * h; item += blockDim.x) {
            int s = item / h, u = item % h;
            const float *gate = now + s * 4 * h + u;
            float in = sigmoid(gate[0]), forget = sigmoid(gate[h]);
            float candidate = tanhf(gate[2 * h]), out = sigmoid(gate[3 * h]);
            float c = forget * cells[s * h + u] + in * candidate, state = out * tanhf(c);
            cells[s * h + u] = c;
            states[s * pitch + u] = state;
            i64 row = (base + s) * length + t;
            hidden[row * 2 * h + direction * h + u] = state;
            if (!keep) continue;
            cell[row * 2 * h + direction * h + u] = c;
            float *to = gates + row * 8 * h + direction * 4 * h + u;
            to[0] = in;
            to[h] = forget;
            to[2 * h] = candidate;
            to[3 * h] = out;
        }
        __syncthreads();
    }
}

// The same with the recurrent weights in registers: a thread computes all gates of one unit, for SHARE
// sequences. A block has 4 H threads.
#define SHARE (GROUP / 4)

template <int H>
__device__ __forceinline__ void lstm_forward_in_registers(
    const int *who, float *gates, float *hidden, float *cell, const float *parameters, i64 stride,
    const int *places, const u8 *codes, int sequences, int length, int keep) {
    SHARED_MEMORY(room);
    int member = who[blockIdx.z], direction = blockIdx.y, first = blockIdx.x * GROUP;
    int u = threadIdx.x % H, own = threadIdx.x / H * SHARE, move = direction == 0 ? 1 : -1;
    Direction from = direction_of(parameters, stride, member, places);
    // Two of the states (GROUP, H), of the step before and of this one; then, for each code and unit, the
    // input's part of the four gates.
    float *states = room, *input = room + 2 * GROUP * H;
    float weights[4][H], shift[4], c[SHARE] = {};
#pragma unroll
    for (int gate = 0; gate < 4; gate++) {
        shift[gate] = from.bias[gate * H + u];
#pragma unroll
        for (int i = 0; i < H; i++) weights[gate][i] = from.recurrent[(i * 4 + gate) * H + u];
    }
    for (int i = threadIdx.x; i < GROUP * H; i += blockDim.x) states[i] = 0.f;
    if (codes)
        for (int i = threadIdx.x; i < 5 * 4 * H; i += blockDim.x) {
            int code = i / (4 * H), unit = i / 4 % H, gate = i % 4;
            input[i] = code < UNKNOWN ? from.input[(code * 4 + gate) * H + unit] : 0.f;
        }
    __syncthreads();

    i64 numbers = (i64)member * sequences * length;
    if (codes) codes += numbers;
    gates += numbers * 8 * H + direction * 4 * H + u;
    hidden += numbers * 2 * H + direction * H + u;
    cell += numbers * 2 * H + direction * H + u;
    // The place of this step's position among the member's, and what the input has there.
    int rows[SHARE];
    int count = sequences - first - own, code[SHARE] = {};
    float next[SHARE][4] = {};
#pragma unroll
    for (int s = 0; s < SHARE; s++) {
        int sequence = s < count ? first + own + s : first;
        rows[s] = sequence * length + (direction == 0 ? 0 : length - 1);
        if (codes) code[s] = codes[rows[s]];
        else
            for (int gate = 0; gate < 4; gate++) next[s][gate] = gates[(rows[s] * 8 + gate) * H];
    }
    for (int step = 0; step < length; step++) {
        float sums[SHARE][4];
#pragma unroll
        for (int s = 0; s < SHARE; s++) {
            if (codes) {
                float4 four = *(const float4 *)(input + (code[s] * H + u) * 4);
                next[s][0] = four.x;
                next[s][1] = four.y;
                next[s][2] = four.z;
                next[s][3] = four.w;
            }
#pragma unroll
            for (int gate = 0; gate < 4; gate++) sums[s][gate] = next[s][gate] + shift[gate];
            if (step + 1 == length) continue;
            // What the next step needs is fetched while this one is computed.
            int row = rows[s] + move;
            if (codes) code[s] = codes[row];
            else
#pragma unroll
                for (int gate = 0; gate < 4; gate++) next[s][gate] = gates[(row * 8 + gate) * H];
        }
        const float *before = states + step % 2 * GROUP * H + own * H;
#pragma unroll
        for (int i = 0; i < H; i += 4)
#pragma unroll
            for (int s = 0; s < SHARE; s++) {
                float4 four = *(const float4 *)(before + s * H + i);
#pragma unroll
                for (int gate = 0; gate < 4; gate++) {
                    sums[s][gate] = fmaf(four.x, weights[gate][i], sums[s][gate]);
                    sums[s][gate] = fmaf(four.y, weights[gate][i + 1], sums[s][gate]);
                    sums[s][gate] = fmaf(four.z, weights[gate][i + 2], sums[s][gate]);
                    sums[s][gate] = fmaf(four.w, weights[gate][i + 3], sums[s][gate]);
                }
            }
        float *after = states + (1 - step % 2) * GROUP * H + own * H;
#pragma unroll
        for (int s = 0; s < SHARE; s++) {
            float in = sigmoid(sums[s][0]), forget = sigmoid(sums[s][1]);
            float candidate = tanhf(sums[s][2]), out = sigmoid(sums[s][3]);
            c[s] = forget * c[s] + in * candidate;
            float state = out * tanhf(c[s]);
            after[s * H + u] = state;
            int row = rows[s];
            rows[s] += move;
            if (s >= count) continue;
            hidden[row * 2 * H] = state;
            if (!keep) continue;
            cell[row * 2 * H] = c[s];
            float *to = gates + row * 8 * H;
            to[0] = in;
            to[H] = forget;
            to[2 * H] = candidate;
            to[3 * H] = out;
        }
        __syncthreads();
    }
}

#define LSTM_FORWARD(H)                                                                                    \
    extern "C" __global__ void __launch_bounds__(4 * H, 3) lstm_forward_##H(                               \
        const int *who, float *gates, float *hidden, float *cell, const float *parameters, i64 stride,     \
        const int *places, const u8 *codes, int sequences, int length, int keep) {                         \
        lstm_forward_in_registers<H>(                                                                      \
            who, gates, hidden, cell, parameters, stride, places, codes, sequences, length, keep);         \
    }

LSTM_FORWARD(16)
LSTM_FORWARD(32)

// Replaces gates by their gradient, from that of the output (n, l, 2h). `transposed` is (2, 4h, h) a
// member: the recurrent weights of both directions.
extern "C" __global__ void lstm_backward(
    const int *who, float *gates, const float *cell, const float *gradient, const float *transposed,
    int sequences, int length, int h, int on_chip) {
    SHARED_MEMORY(room);
    int member = who[blockIdx.z], direction = blockIdx.y, first = blockIdx.x * GROUP;
    float *now = room, *parts = now + GROUP * 4 * h, *from_cell = parts + 4 * GROUP * h;
    float *recurrent = from_cell + GROUP * h;
    const float *weights = transposed + ((i64)member * 2 + direction) * 4 * h * h;
    load_recurrent(recurrent, weights, h, on_chip);
    if (on_chip) weights = recurrent;
    for (int i = threadIdx.x; i < 4 * GROUP * h; i += blockDim.x) now[i] = parts[i] = 0.f;
    for (int i = threadIdx.x; i < GROUP * h; i += blockDim.x) from_cell[i] = 0.f;
    __syncthreads();
    i64 base = (i64)member * sequences + first;
    int count = sequences - first < GROUP ? sequences - first : GROUP;
    for (int step = length - 1; step >= 0; step--) {
        int t = direction == 0 ? step : length - 1 - step, before = direction == 0 ? t - 1 : t + 1;
        for (int item = threadIdx.x; item < count * h; item += blockDim.x) {
            int s = item / h, u = item % h;
            i64 row = (base + s) * length + t, at = row * 2 * h + direction * h + u;
            float *gate = gates + row * 8 * h + direction * 4 * h + u;
            float in = gate[0], forget = gate[h], candidate = gate[2 * h], out = gate[3 * h];
            float old = step > 0 ? cell[((base + s) * length + before) * 2 * h + direction * h + u] : 0.f;
            float squashed = tanhf(cell[at]);
            const float *part = parts + s * h + u;
            float dh = gradient[at] + ((part[0] + part[GROUP * h]) + (part[2 * GROUP * h] + part[3 * GROUP * h]));
            float dc = dh * out * (1.f - squashed * squashed) + from_cell[s * h + u];
            float *dz = now + s * 4 * h + u;
            gate[0] = dz[0] = dc * candidate * in * (1.f - in);
            gate[h] = dz[h] = dc * old * forget * (1.f - forget);
            gate[2 * h] = dz[2 * h] = dc * in * (1.f - candidate * candidate);
            gate[3 * h] = dz[3 * h] = dh * squashed * out * (1.f - out);
            from_cell[s * h + u] = dc * forget;
        }
        __syncthreads();
        // The part of each gate in the gradient of the state before.
        for (int item = threadIdx.x; item < 4 * h; item += blockDim.x) {
            int gate = item / h, i = item % h;
            float sums[GROUP] = {};
            for (int u = 0; u < h; u++) {
                float w = weights[(gate * h + u) * h + i];
#pragma unroll
                for (int s = 0; s < GROUP; s++) sums[s] = fmaf(now[s * 4 * h + gate * h + u], w, sums[s]);
            }
#pragma unroll
            for (int s = 0; s < GROUP; s++) parts[(gate * GROUP + s) * h + i] = sums[s];
        }
        __syncthreads();
    }
}

// The same with the weights in registers: a thread has one unit, for SHARE sequences.
template <int H>
__device__ __forceinline__ void lstm_backward_in_registers(
    const int *who, float *gates, const float *cell, const float *gradient, const float *transposed,
    int sequences, int length) {
    // Two of the gates' gradients (GROUP, 4H): one is read while the next is made.
    SHARED_MEMORY(room);
    int member = who[blockIdx.z], direction = blockIdx.y, first = blockIdx.x * GROUP;
    int u = threadIdx.x % H, own = threadIdx.x / H * SHARE, back = direction == 0 ? -1 : 1;
    float weights[4 * H];
    transposed += ((i64)member * 2 + direction) * 4 * H * H;
#pragma unroll
    for (int j = 0; j < 4 * H; j++) weights[j] = transposed[j * H + u];

    i64 numbers = (i64)member * sequences * length;
    gates += numbers * 8 * H + direction * 4 * H + u;
    cell += numbers * 2 * H + direction * H + u;
    gradient += numbers * 2 * H + direction * H + u;
    int rows[SHARE];
    // States c of the step, and what comes from later steps.
    float c[SHARE], from_state[SHARE] = {}, from_cell[SHARE] = {};
    int count = sequences - first - own;
#pragma unroll
    for (int s = 0; s < SHARE; s++) {
        int sequence = s < count ? first + own + s : first;
        rows[s] = sequence * length + (direction == 0 ? length - 1 : 0);
        c[s] = cell[rows[s] * 2 * H];
    }
    for (int step = length - 1; step >= 0; step--) {
        float gate[SHARE][4], given[SHARE], old[SHARE];
#pragma unroll
        for (int s = 0; s < SHARE; s++) {
            const float *from = gates + rows[s] * 8 * H;
#pragma unroll
            for (int k = 0; k < 4; k++) gate[s][k] = from[k * H];
            given[s] = gradient[rows[s] * 2 * H];
            old[s] = step > 0 ? cell[(rows[s] + back) * 2 * H] : 0.f;
        }
        float *now = room + step % 2 * GROUP * 4 * H + own * 4 * H;
#pragma unroll
        for (int s = 0; s < SHARE; s++) {
            float in = gate[s][0], forget = gate[s][1], candidate = gate[s][2], out = gate[s][3];
            float squashed = tanhf(c[s]), dh = given[s] + from_state[s];
            float dc = dh * out * (1.f - squashed * squashed) + from_cell[s];
            float dz[4] = {
                dc * candidate * in * (1.f - in), dc * old[s] * forget * (1.f - forget),
                dc * in * (1.f - candidate * candidate), dh * squashed * out * (1.f - out)};
            from_cell[s] = dc * forget;
            c[s] = old[s];
            float *to = gates + rows[s] * 8 * H;
#pragma unroll
            for (int k = 0; k < 4; k++) {
                now[(s * 4 + k) * H + u] = dz[k];
                if (s < count) to[k * H] = dz[k];
            }
            rows[s] += back;
        }
        __syncthreads();
        // One sequence after the other: both at once would need more registers than there are.
#pragma unroll 1
        for (int s = 0; s < SHARE; s++) {
            float sums[4] = {};
#pragma unroll
            for (int i = 0; i < H; i += 4)
#pragma unroll
                for (int k = 0; k < 4; k++) {
                    float4 four = *(const float4 *)(now + (s * 4 + k) * H + i);
                    sums[k] = fmaf(four.x, weights[k * H + i], sums[k]);
                    sums[k] = fmaf(four.y, weights[k * H + i + 1], sums[k]);
                    sums[k] = fmaf(four.z, weights[k * H + i + 2], sums[k]);
                    sums[k] = fmaf(four.w, weights[k * H + i + 3], sums[k]);
                }
            float sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
#pragma unroll
            for (int other = 0; other < SHARE; other++) from_state[other] = other == s ? sum : from_state[other];
        }
    }
}

#define LSTM_BACKWARD(H)                                                                                   \
    extern "C" __global__ void __launch_bounds__(4 * H, 3) lstm_backward_##H(                              \
        const int *who, float *gates, const float *cell, const float *gradient, const float *transposed,   \
        int sequences, int length) {                                                                       \
        lstm_backward_in_registers<H>(who, gates, cell, gradient, transposed, sequences, length);          \
    }

LSTM_BACKWARD(16)
LSTM_BACKWARD(32)

// Runs that begin anew: the backward direction from every position down to 0, and the forward direction
// from every position on; what is kept is the mean of their states. means is (2, n, l, 2h) a member: of
// prefixes, whose last position is l, with the backward direction's part; of suffixes, whose first is l,
// with the forward direction's. A block takes GROUP neighbouring runs of a sequence.
extern "C" __global__ void lstm_restarts(
    const int *who, const float *gates, const float *parameters, i64 stride, const int *places,
    const u8 *codes, int sequences, int length, int h, float *means, int on_chip) {
    SHARED_MEMORY(room);
    int member = who[blockIdx.z], direction = blockIdx.y, pitch = (h + 3) / 4 * 4;
    int groups = (length + GROUP - 1) / GROUP, a = blockIdx.x / groups, first = blockIdx.x % groups * GROUP;
    Direction own = direction_of(parameters, stride, member, places);
    float *states = room, *cells = states + GROUP * pitch, *sum = cells + GROUP * h;
    float *now = sum + GROUP * h, *recurrent = now + GROUP * 4 * h;
    load_recurrent(recurrent, own.recurrent, h, on_chip);
    const float *weights = on_chip ? recurrent : own.recurrent;
    for (int i = threadIdx.x; i < GROUP * pitch; i += blockDim.x) states[i] = 0.f;
    for (int i = threadIdx.x; i < GROUP * h; i += blockDim.x) cells[i] = sum[i] = 0.f;
    __syncthreads();
    i64 sequence = (i64)member * sequences + a;
    int last = first + GROUP <= length ? first + GROUP - 1 : length - 1;
    int steps = direction == 0 ? length - first : last + 1;
    for (int step = 0; step < steps; step++) {
        int t = direction == 0 ? first + step : last - step;
        i64 row = sequence * length + t;
        for (int j = threadIdx.x; j < 4 * h; j += blockDim.x) {
            float x;
            if (codes)
                x = codes[row] < UNKNOWN ? own.input[codes[row] * 4 * h + j] : 0.f;
            else
                x = gates[row * 8 * h + direction * 4 * h + j];
            float sums[GROUP];
#pragma unroll
            for (int s = 0; s < GROUP; s++) sums[s] = x + own.bias[j];
            add_recurrent(weights, states, h, pitch, j, sums);
#pragma unroll
            for (int s = 0; s < GROUP; s++) now[s * 4 * h + j] = sums[s];
        }
        __syncthreads();
        for (int item = threadIdx.x; item < (last - first + 1) * h; item += blockDim.x) {
            int s = item / h, u = item % h;
            if (direction == 0 ? t < first + s : t > first + s) continue;
            const float *gate = now + s * 4 * h + u;
            float c = sigmoid(gate[h]) * cells[item] + sigmoid(gate[0]) * tanhf(gate[2 * h]);
            float state = sigmoid(gate[3 * h]) * tanhf(c);
            cells[item] = c;
            states[s * pitch + u] = state;
            sum[item] += state;
        }
        __syncthreads();
    }
    for (int item = threadIdx.x; item < (last - first + 1) * h; item += blockDim.x) {
        int s = item / h, u = item % h, i = first + s, kind = 1 - direction;
        // Suffixes are the second half.
        i64 half = direction == 0 ? (i64)sequences * length * 2 * h : 0;
        float *to = means + (i64)member * 2 * sequences * length * 2 * h + half;
        int count = kind ? length - i : i + 1;
        to[((i64)a * length + i) * 2 * h + direction * h + u] = sum[item] * (1.f / count);
    }
}

// The other parts of those means: running means of the states of whole runs (n, l, 2h).
extern "C" __global__ void running_means(
    const int *who, const float *hidden, int sequences, int length, int h, float *means) {
    int member = who[blockIdx.z], u = blockIdx.x * blockDim.x + threadIdx.x;
    if (u >= 2 * h) return;
    int direction = u / h;
    for (int a = blockIdx.y; a < sequences; a += gridDim.y) {
        const float *from = hidden + ((i64)member * sequences + a) * length * 2 * h + u;
        // The forward direction runs over prefixes, the backward one over suffixes.
        float *to = means + ((i64)member * 2 + direction) * sequences * length * 2 * h;
        float sum = 0.f;
        for (int step = 0; step < length; step++) {
            int t = direction == 0 ? step : length - 1 - step;
            sum += from[(i64)t * 2 * h];
            to[((i64)a * length + t) * 2 * h + u] = sum * (1.f / (step + 1));
        }
    }
}
