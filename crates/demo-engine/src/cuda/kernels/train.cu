// The end of a training step: losses and where gradients begin, and the optimiser.

// Softmax cross-entropy in double precision. One block a member: its loss, the sum over rows of weight
// times loss over the sum of weights, and the gradient of its logits (n, outputs). Rows of weight zero
// take no part. Weights are 1 where null.
extern "C" __global__ void cross_entropy(
    const int *who, const float *logits, const u8 *labels, const float *weights, int size, int outputs,
    float *gradient, float *losses) {
    SHARED_MEMORY(room);
    double *sums = (double *)room;
    int member = who[blockIdx.z], thread = threadIdx.x;
    i64 first = (i64)member * size;
    double sum = 0.;
    for (int a = thread; a < size; a += blockDim.x) sum += weights ? (double)weights[first + a] : 1.;
    sums[thread] = sum;
    __syncthreads();
    double total = 0.;
    for (int i = 0; i < blockDim.x; i++) total += sums[i];
    double scale = total > 0. ? 1. / total : 0., loss = 0.;
    __syncthreads();
    for (int a = thread; a < size; a += blockDim.x) {
        double weight = (weights ? (double)weights[first + a] : 1.) * scale;
        const float *row = logits + (first + a) * outputs;
        float *to = gradient + (first + a) * outputs;
        if (weight == 0.) {
            for (int k = 0; k < outputs; k++) to[k] = 0.f;
            continue;
        }
        double largest = row[0];
        for (int k = 1; k < outputs; k++) largest = row[k] > largest ? (double)row[k] : largest;
        double all = 0.;
        for (int k = 0; k < outputs; k++) all += exp((double)row[k] - largest);
        for (int k = 0; k < outputs; k++)
            to[k] = (float)(weight * (exp((double)row[k] - largest) / all - (k == labels[first + a] ? 1. : 0.)));
        loss += weight * (largest + log(all) - (double)row[labels[first + a]]);
    }
    sums[thread] = loss;
    __syncthreads();
    if (thread > 0) return;
    for (int i = 1; i < blockDim.x; i++) loss += sums[i];
    losses[member] = (float)loss;
}

// The gradient of one output of each sequence.
extern "C" __global__ void one_output(const int *who, float *gradient, int count, int outputs, int index) {
    int member = who[blockIdx.z], i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) gradient[(i64)member * count + i] = i % outputs == index ? 1.f : 0.f;
}

// Which members move in this step: those that are active, were never stopped here, and have a finite
// loss; one whose loss is none is stopped for good. Losses may be null.
extern "C" __global__ void watch(const int *active, const float *losses, int *stopped, int *moves, int members) {
    int member = blockIdx.x * blockDim.x + threadIdx.x;
    if (member >= members) return;
    int goes = active[member] && !stopped[member];
    // Not finite where the exponent is all ones.
    if (goes && losses && (__float_as_int(losses[member]) & 0x7f800000) == 0x7f800000) {
        stopped[member] = 1;
        goes = 0;
    }
    moves[member] = goes;
}

// One step of Adam for the members that move; nine constants each, in the order of `Constants`.
extern "C" __global__ void adam(
    float *parameters, const float *gradient, float *first, float *second, const u8 *trained, int count,
    const float *constants, const int *moves) {
    int member = blockIdx.z, i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count || !moves[member] || !trained[i]) return;
    const float *k = constants + member * 9;
    i64 at = (i64)member * count + i;
    float g = gradient[at], w = parameters[at];
    g = g > k[0] ? k[0] : g;
    g = g < -k[0] ? -k[0] : g;
    float m = k[1] * first[at] + k[2] * g, v = k[3] * second[at] + k[4] * g * g;
    first[at] = m;
    second[at] = v;
    parameters[at] = w - k[5] * m / (sqrtf(v) * k[6] + k[7]) - k[8] * w;
}

// mean += part (w - mean), for the members that move.
extern "C" __global__ void follow(
    float *means, const float *parameters, int count, const float *parts, const int *moves) {
    int member = blockIdx.z, i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count || !moves[member]) return;
    i64 at = (i64)member * count + i;
    means[at] += parts[member] * (parameters[at] - means[at]);
}
