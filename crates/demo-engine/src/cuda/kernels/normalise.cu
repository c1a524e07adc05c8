// Batch normalisation. Sums over a batch are in double precision: chunks of rows first, then the chunks
// in order. Statistics of a channel are mean, one over the deviation, and the means of the output's
// gradient and of it times the normalised input: (4, c) a member.

// partials[chunk] = (2, c): sums of x and x^2 over a chunk of rows; or, with a gradient g of the output
// and z the normalised input, of g and g z.
extern "C" __global__ void moments(
    const int *who, const float *from, const float *gradient, const float *statistics, int rows, int channels,
    double *partials, int chunk) {
    SHARED_MEMORY(room);
    double *sums = (double *)room, *others = sums + blockDim.x;
    int member = who[blockIdx.z], c = blockIdx.x * 32 + threadIdx.x % 32, group = threadIdx.x / 32;
    int first = blockIdx.y * chunk, until = first + chunk < rows ? first + chunk : rows;
    double sum = 0., other = 0.;
    if (c < channels) {
        const float *own = statistics + (i64)member * 4 * channels + c;
        for (int r = first + group; r < until; r += 8) {
            i64 at = ((i64)member * rows + r) * channels + c;
            float x = from[at];
            if (gradient) {
                float g = gradient[at];
                sum += g;
                other += (double)g * ((x - own[0]) * own[channels]);
            } else {
                sum += x;
                other += (double)x * x;
            }
        }
    }
    sums[threadIdx.x] = sum;
    others[threadIdx.x] = other;
    __syncthreads();
    if (group > 0 || c >= channels) return;
    for (int i = 1; i < 8; i++) {
        sum += sums[i * 32 + threadIdx.x];
        other += others[i * 32 + threadIdx.x];
    }
    double *to = partials + ((i64)member * gridDim.y + blockIdx.y) * 2 * channels;
    to[c] = sum;
    to[channels + c] = other;
}

// Statistics from the moments of x (`backward` 0; also `running`, (2, c) a member: mean and variance free
// of bias) or from those of the gradient.
extern "C" __global__ void take_moments(
    const int *who, const double *partials, int chunks, int rows, int channels, float epsilon, float *statistics,
    double *running, int backward) {
    int member = who[blockIdx.z], c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= channels) return;
    double sum = 0., other = 0.;
    for (int chunk = 0; chunk < chunks; chunk++) {
        const double *part = partials + ((i64)member * chunks + chunk) * 2 * channels;
        sum += part[c];
        other += part[channels + c];
    }
    double count = rows, mean = sum / count;
    float *own = statistics + (i64)member * 4 * channels + c;
    if (backward) {
        own[2 * channels] = (float)mean;
        own[3 * channels] = (float)(other / count);
        return;
    }
    double variance = other / count - mean * mean;
    variance = variance > 0. ? variance : 0.;
    own[0] = (float)mean;
    own[channels] = (float)(1. / sqrt(variance + (double)epsilon));
    running[(i64)member * 2 * channels + c] = mean;
    running[((i64)member * 2 + 1) * channels + c] = variance * count / (count > 2. ? count - 1. : 1.);
}

// Statistics from the running ones among the parameters.
extern "C" __global__ void take_running(
    const int *who, const float *mean, const float *variance, i64 stride, int channels, float epsilon,
    float *statistics) {
    int member = who[blockIdx.z], c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= channels) return;
    float *own = statistics + (i64)member * 4 * channels + c;
    own[0] = mean[member * stride + c];
    own[channels] = (float)(1. / sqrt((double)variance[member * stride + c] + (double)epsilon));
    own[2 * channels] = own[3 * channels] = 0.f;
}

// to = (x - mean) / deviation * scale + shift.
extern "C" __global__ void normalise(
    const int *who, const float *from, int count, int channels, const float *statistics, const float *scale,
    const float *shift, i64 stride, float *to) {
    int member = who[blockIdx.z], i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    int c = i % channels;
    const float *own = statistics + (i64)member * 4 * channels + c;
    i64 at = (i64)member * count + i;
    to[at] = fmaf((from[at] - own[0]) * own[channels], scale[member * stride + c], shift[member * stride + c]);
}

// The gradient of the input, to `to`, which may be `from`; partials[chunk] = (2, c) are the gradients of
// scale and shift over a chunk of rows.
extern "C" __global__ void normalise_gradient(
    const int *who, const float *from, const float *gradient, float *to, int rows, int channels,
    const float *statistics, const float *scale, i64 stride, float *partials, int chunk) {
    SHARED_MEMORY(sums);
    int member = who[blockIdx.z], c = blockIdx.x * 32 + threadIdx.x % 32, group = threadIdx.x / 32;
    int first = blockIdx.y * chunk, until = first + chunk < rows ? first + chunk : rows;
    float of_scale = 0.f, of_shift = 0.f;
    if (c < channels) {
        const float *own = statistics + (i64)member * 4 * channels + c;
        float over = own[channels], factor = scale[member * stride + c] * over;
        for (int r = first + group; r < until; r += 8) {
            i64 at = ((i64)member * rows + r) * channels + c;
            float g = gradient[at], z = (from[at] - own[0]) * over;
            of_scale += g * z;
            of_shift += g;
            to[at] = factor * (g - own[2 * channels] - z * own[3 * channels]);
        }
    }
    sums[threadIdx.x] = of_scale;
    sums[blockDim.x + threadIdx.x] = of_shift;
    __syncthreads();
    if (group > 0 || c >= channels) return;
    for (int i = 1; i < 8; i++) {
        of_scale += sums[i * 32 + threadIdx.x];
        of_shift += sums[blockDim.x + i * 32 + threadIdx.x];
    }
    float *part = partials + ((i64)member * gridDim.y + blockIdx.y) * 2 * channels;
    part[c] = of_scale;
    part[channels + c] = of_shift;
}

// Moves a running statistic towards the batch's, of the members whose `active` is not zero.
extern "C" __global__ void move_running(
    float *parameter, i64 stride, const double *running, i64 running_stride, int channels, float momentum,
    const int *active) {
    int member = blockIdx.z, c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= channels || !active[member]) return;
    double part = momentum, old = parameter[member * stride + c];
    parameter[member * stride + c] = (float)(old * (1. - part) + running[member * running_stride + c] * part);
}
