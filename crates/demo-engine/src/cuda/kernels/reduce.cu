// Reductions over positions: global maximum, with where it was, and mean; (n, l, c) to (n, c).

extern "C" __global__ void global_max(
    const int *who, const float *from, int sequences, int positions, int channels, float *to, int *places) {
    int member = who[blockIdx.z], c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= channels) return;
    for (int a = blockIdx.y; a < sequences; a += gridDim.y) {
        i64 sequence = (i64)member * sequences + a;
        const float *column = from + sequence * positions * channels + c;
        float best = column[0];
        int place = 0;
        for (int t = 1; t < positions; t++) {
            float x = column[(i64)t * channels];
            if (x > best) {
                best = x;
                place = t;
            }
        }
        to[sequence * channels + c] = best;
        places[sequence * channels + c] = place;
    }
}

extern "C" __global__ void global_max_gradient(
    const int *who, const float *gradient, const int *places, int sequences, int positions, int channels,
    float *to) {
    int member = who[blockIdx.z], c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= channels) return;
    for (int a = blockIdx.y; a < sequences; a += gridDim.y) {
        i64 sequence = (i64)member * sequences + a;
        float g = gradient[sequence * channels + c];
        int place = places[sequence * channels + c];
        float *column = to + sequence * positions * channels + c;
        for (int t = 0; t < positions; t++) column[(i64)t * channels] = t == place ? g : 0.f;
    }
}

extern "C" __global__ void mean(
    const int *who, const float *from, int sequences, int positions, int channels, float *to) {
    int member = who[blockIdx.z], c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= channels) return;
    for (int a = blockIdx.y; a < sequences; a += gridDim.y) {
        i64 sequence = (i64)member * sequences + a;
        const float *column = from + sequence * positions * channels + c;
        float sum = 0.f;
        for (int t = 0; t < positions; t++) sum += column[(i64)t * channels];
        to[sequence * channels + c] = sum * (1.f / positions);
    }
}

extern "C" __global__ void mean_gradient(
    const int *who, const float *gradient, int sequences, int positions, int channels, float *to) {
    int member = who[blockIdx.z], c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= channels) return;
    for (int a = blockIdx.y; a < sequences; a += gridDim.y) {
        i64 sequence = (i64)member * sequences + a;
        float g = gradient[sequence * channels + c] * (1.f / positions);
        float *column = to + sequence * positions * channels + c;
        for (int t = 0; t < positions; t++) column[(i64)t * channels] = g;
    }
}
