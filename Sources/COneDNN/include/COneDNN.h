// The whole surface of the C side of the engine. oneDNN 2.6 and 3.x have different C APIs (operation
// descriptors against primitive descriptors, value against pointer memory descriptors); nothing of either
// is seen above this header. Only the room NeuralNetwork imports it.
#ifndef ENDOKED_CONEDNN_H
#define ENDOKED_CONEDNN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---- Set-up ----------------------------------------------------------------------------------------------

/// Threads that operations called from the calling thread use from now on (OpenMP keeps this per thread).
void nn_set_compute_threads(int32_t count);
int32_t nn_compute_threads(void);
/// oneDNN's major, minor and patch version, as loaded.
void nn_engine_version(int32_t version[3]);
/// Name of the instruction set that oneDNN dispatches to, "avx512_core_bf16" for example. A static string.
const char *nn_engine_instruction_set(void);
/// Whether the processor multiplies bf16 natively.
int32_t nn_engine_has_bf16(void);
/// Whether 8-bit products have an instruction that sums to 32 bits; without it sums may overflow 16.
int32_t nn_engine_has_int8(void);

/// 64-byte aligned memory; from 4 MiB on aligned to and advised for huge pages. NULL when there is none.
void *nn_allocate(size_t bytes);
void nn_free(void *memory);

// ---- Primitives ------------------------------------------------------------------------------------------

/// 8-bit numbers are read by quantised products only, whose results are fp32 or bf16.
enum { NN_F32 = 0, NN_BF16 = 1, NN_U8 = 2, NN_S8 = 3 };
enum { NN_FORWARD_INFERENCE = 0, NN_FORWARD_TRAINING = 1, NN_BACKWARD_DATA = 2, NN_BACKWARD_WEIGHTS = 3 };
enum { NN_POST_NONE = 0, NN_POST_RELU = 1, NN_POST_TANH = 2, NN_POST_GELU_ERF = 3, NN_POST_RELU6 = 4 };

/// A compiled operation for one shape. Immutable: any number of threads may execute it at once, each with a
/// scratch buffer of its own.
typedef struct nn_primitive nn_primitive;

/// 2-D convolution over N,H,W,C. Weights are O,I/groups,H,W in their plain form and always packed. What the pass
/// makes (the result, the gradient of the source or of the weights) has its own type of element.
typedef struct {
    int32_t pass, element, result_element, post, has_bias, adds_destination, groups;
    int64_t n, h, w, c, out_c, kernel_h, kernel_w, stride_h, stride_w;
    int64_t pad_top, pad_left, pad_bottom, pad_right, dilation_h, dilation_w; // dilation 1 is none
    const float *scales; // quantised: of each output channel; copied
} nn_convolution;

/// destination[b0,b1,m,n] = post(Σk a[b0,b1,m,k]·b[b0,b1,k,n] + bias[n] (+ destination)). Strides in elements,
/// in the order b0, b1, row, column; where packs_b is set, b is packed from a plain fp32 matrix of b's strides.
typedef struct {
    int32_t element, destination_element, post, has_bias, adds_destination, packs_b;
    int64_t b0, b1, m, n, k;
    int64_t a_strides[4], b_strides[4], destination_strides[4];
    const float *scales; // quantised: of each column; copied
} nn_matmul;

typedef struct {
    const void *source;      // activations; backward data: unused
    const void *weights;     // packed; backward weights: unused
    const void *bias;        // fp32, may be NULL
    void *destination;       // forward: result
    const void *gradient;    // backward: gradient of the forward's result
    void *result;            // backward: gradient of the source, or of the packed weights
    void *scratch;           // nn_primitive_scratch_bytes
} nn_arguments;

/// 0, or oneDNN's status.
int32_t nn_convolution_create(nn_primitive **primitive, const nn_convolution *shape);
int32_t nn_matmul_create(nn_primitive **primitive, const nn_matmul *shape);
void nn_primitive_destroy(nn_primitive *primitive);
size_t nn_primitive_scratch_bytes(const nn_primitive *primitive);
size_t nn_primitive_weight_bytes(const nn_primitive *primitive);
/// Whether two primitives take weights packed the same way.
int32_t nn_primitive_shares_weights(const nn_primitive *a, const nn_primitive *b);
/// Plain fp32 weights (signed 8-bit ones of a quantised product) to the primitive's own layout and type, and (backward
/// weights) back.
int32_t nn_primitive_pack(const nn_primitive *primitive, const void *plain, void *packed);
int32_t nn_primitive_unpack(const nn_primitive *primitive, const void *packed, float *plain);
int32_t nn_primitive_execute(const nn_primitive *primitive, const nn_arguments *arguments);
/// oneDNN's name of the chosen kernel. Lives as long as the primitive.
const char *nn_primitive_implementation(const nn_primitive *primitive);

// ---- Loops: contiguous fp32 unless said, channels last -----------------------------------------------------

/// Of memory that does not overlap.
void nn_copy(const void *from, void *to, int64_t bytes);
void nn_add(float *a, const float *b, int64_t count);
void nn_scale(float *a, float factor, int64_t count);
void nn_relu(const float *x, float *y, int64_t count);
void nn_relu6(const float *x, float *y, int64_t count);
/// From the result: what lies strictly between 0 and 6 passes.
void nn_relu6_backward(const float *y, const float *dy, float *dx, int64_t count);
void nn_relu_backward(const float *y, const float *dy, float *dx, int64_t count);
void nn_tanh(const float *x, float *y, int64_t count);
void nn_tanh_backward(const float *y, const float *dy, float *dx, int64_t count);
/// Element i is kept, times 1/(1−p), where the counter-based random number (seed, i) is ≥ p; the backward pass
/// is the same call on the gradient.
void nn_dropout(const float *x, float *y, int64_t count, float probability, uint64_t seed);
void nn_column_sums(const float *x, float *sums, int64_t rows, int64_t columns);
double nn_sum_of_squares(const float *x, int64_t count);

// Batch normalisation. Where `narrow` is set x, y and dx are bf16, else fp32.

/// Mean and (biased) variance of each channel over `rows`.
void nn_batch_statistics(
    const void *x, float *mean, float *variance, int64_t rows, int64_t channels, int32_t narrow);
/// y = x·scale + shift (+ addend) (, ReLU), in fp32; `narrow` only: also, or (y NULL) instead, in bf16 to narrow_y unless
/// that is NULL.
void nn_scale_shift(
    const void *x, const float *scale, const float *shift, const float *addend, float *y, uint16_t *narrow_y,
    int64_t rows, int64_t channels, int32_t relu, int32_t narrow);
/// With g = dy where y > 0 (y NULL: everywhere): sums of g and of g·(x−mean)·inverse_deviation over rows.
void nn_batch_gradient_sums(
    const void *x, const void *y, const float *dy, const float *mean, const float *inverse_deviation,
    float *sum_g, float *sum_g_normalised, int64_t rows, int64_t channels, int32_t narrow);
/// dx = a·g + b·x + c for each channel; g itself goes to daddend when that is not NULL.
void nn_batch_gradient_apply(
    const void *x, const void *y, const float *dy, const float *a, const float *b, const float *c, void *dx,
    float *daddend, int64_t rows, int64_t channels, int32_t narrow);

/// Maximum over windows; the winner's place in its window (row-major) goes to `winner` unless NULL.
void nn_max_pool(
    const float *x, float *y, uint8_t *winner, int64_t n, int64_t h, int64_t w, int64_t channels,
    int64_t out_h, int64_t out_w, int64_t kernel, int64_t stride, int64_t pad);
void nn_max_pool_backward(
    const float *dy, const uint8_t *winner, float *dx, int64_t n, int64_t h, int64_t w, int64_t channels,
    int64_t out_h, int64_t out_w, int64_t kernel, int64_t stride, int64_t pad);
void nn_mean_pool(const float *x, float *y, int64_t n, int64_t pixels, int64_t channels);
void nn_mean_pool_backward(const float *dy, float *dx, int64_t n, int64_t pixels, int64_t channels);
void nn_softmax_rows(const float *x, float *y, int64_t rows, int64_t columns);
void nn_softmax_rows_backward(const float *y, const float *dy, float *dx, int64_t rows, int64_t columns);

/// A step of an optimiser by one gradient, whose numbers are brought into ±limit first where `limit` is positive. The new
/// values in bf16 go to `narrow` unless NULL. 0 where a number of the gradient is not finite: some values have changed then,
/// by other numbers of the gradient; 1 otherwise.
int32_t nn_sgd_step(
    float *value, float *gradient, float *velocity, uint16_t *narrow, int64_t count, float limit, float rate, float momentum,
    float decay, int32_t first);
int32_t nn_adamw_step(
    float *value, float *gradient, float *m, float *v, uint16_t *narrow, int64_t count, float limit, float rate, float beta1,
    float beta2, float epsilon, float decay, float correction1, float correction2);

// ---- bf16 --------------------------------------------------------------------------------------------------

void nn_to_bf16(const float *x, uint16_t *y, int64_t count);
void nn_from_bf16(const uint16_t *x, float *y, int64_t count);
void nn_max_pool_bf16(
    const uint16_t *x, uint16_t *y, int64_t n, int64_t h, int64_t w, int64_t channels, int64_t out_h,
    int64_t out_w, int64_t kernel, int64_t stride, int64_t pad);
void nn_mean_pool_bf16(const uint16_t *x, float *y, int64_t n, int64_t pixels, int64_t channels);
/// 8-bit RGB, pixel by pixel, to (value − mean)·factor in a tensor of `padded` channels (the rest zero).
void nn_normalise_rgb(
    const uint8_t *rgb, float *y, int64_t pixels, const float mean[3], const float factor[3], int64_t padded);
/// The same without padding, to bf16.
void nn_normalise_rgb_bf16(
    const uint8_t *rgb, uint16_t *y, int64_t pixels, const float mean[3], const float factor[3]);

// ---- 8 bits ------------------------------------------------------------------------------------------------

/// A product that reads NN_U8 or NN_S8 is post(scale·Σ a·b + bias (+ destination)), its weights signed 8-bit, its sums
/// exact 32-bit integers. The bias as such a product's execution takes it, which differs between versions of oneDNN:
void nn_quantised_bias(const nn_primitive *primitive, const float *bias, float *prepared);
/// y = x/step to the nearest integer, ties to even, within 0…255 or −127…127; no number becomes 0.
void nn_quantise(const void *x, int32_t x_bf16, void *y, int32_t is_signed, float step, int64_t count);
/// Weights of each of `rows` outputs by a step of its own, its largest magnitude / 127 (1 where all are zero).
void nn_quantise_rows(const float *x, int8_t *y, float *steps, int64_t rows, int64_t columns);
/// Adds |x| to counts of bins of `width`, the last of which holds all beyond; returns how many were negative, and the
/// greatest magnitude. What is no finite number is counted in `not_finite` alone.
typedef struct {
    int64_t negative, not_finite;
    float greatest;
} nn_magnitudes;
void nn_count_magnitudes(const float *x, int64_t count, float width, int64_t *bins, int64_t bin_count, nn_magnitudes *seen);

// ---- Resampling, channels, transposition: fp32 --------------------------------------------------------------

/// x is outer, in_extent, inner; y is outer, out_extent, inner. y[·, o, ·] = Σ weight[t]·x[·, index[t], ·] over the taps
/// t from first[o] up to first[o + 1].
void nn_resample_axis(
    const float *x, float *y, int64_t outer, int64_t in_extent, int64_t out_extent, int64_t inner,
    const int32_t *first, const int32_t *index, const float *weight);
/// Matrices rows × columns to columns × rows.
void nn_transpose(const float *x, float *y, int64_t batches, int64_t rows, int64_t columns);
/// `channels` numbers of each row from rows of `from_width` to rows of `to_width`.
void nn_copy_channels(
    const float *x, int64_t from_width, float *y, int64_t to_width, int64_t rows, int64_t channels);
/// Over the channels of each row. The first of equal numbers is the maximum; its place goes to `winner` unless NULL.
void nn_channel_mean(const float *x, float *y, int64_t rows, int64_t channels);
void nn_channel_mean_backward(const float *dy, float *dx, int64_t rows, int64_t channels);
void nn_channel_max(const float *x, float *y, int32_t *winner, int64_t rows, int64_t channels);
void nn_channel_max_backward(const float *dy, const int32_t *winner, float *dx, int64_t rows, int64_t channels);
/// Over the pixels of each image, for each channel.
void nn_global_max(const float *x, float *y, int32_t *winner, int64_t n, int64_t pixels, int64_t channels);
void nn_global_max_backward(
    const float *dy, const int32_t *winner, float *dx, int64_t n, int64_t pixels, int64_t channels);
/// y = x·factors, one factor for each channel of an image; and the sums over pixels of a·b.
void nn_scale_channels(
    const float *x, const float *factors, float *y, int64_t n, int64_t pixels, int64_t channels);
void nn_channel_products(
    const float *a, const float *b, float *sums, int64_t n, int64_t pixels, int64_t channels);
/// y = x·factors, one factor for each row; and the sums over channels of a·b.
void nn_scale_pixels(const float *x, const float *factors, float *y, int64_t rows, int64_t channels);
void nn_pixel_products(const float *a, const float *b, float *sums, int64_t rows, int64_t channels);

// ---- Transformers ------------------------------------------------------------------------------------------

/// y = (x − mean)·inverse·weight + bias of each row; `mean` and `inverse` (1/deviation) are kept unless NULL.
void nn_layer_norm(
    const void *x, int32_t x_bf16, const float *weight, const float *bias, float epsilon, void *y, int32_t y_bf16,
    float *mean, float *inverse, int64_t rows, int64_t columns);
/// `dx` may be NULL; the gradients of weight and bias are written, not added.
void nn_layer_norm_backward(
    const float *x, const float *dy, const float *weight, const float *mean, const float *inverse, float *dx,
    float *dweight, float *dbias, int64_t rows, int64_t columns);

void nn_gelu(const float *x, float *y, int64_t count);
/// In place.
void nn_gelu_bf16(uint16_t *x, int64_t count);
void nn_gelu_backward(const float *x, const float *dy, float *dx, int64_t count);
void nn_sigmoid(const float *x, float *y, int64_t count);
void nn_sigmoid_backward(const float *y, const float *dy, float *dx, int64_t count);
void nn_sum(const float *a, const float *b, float *y, int64_t count);
void nn_product(const float *a, const float *b, float *y, int64_t count);

/// One dense matrix (tokens, width) a batch and head, from a tensor in which they lie strided; and back.
void nn_heads_gather(
    const void *from, int32_t from_bf16, void *to, int32_t to_bf16, int64_t batches, int64_t heads, int64_t tokens,
    int64_t width, int64_t batch_stride, int64_t token_stride, int64_t head_stride);
void nn_heads_scatter(
    const float *from, void *to, int32_t to_bf16, int64_t batches, int64_t heads, int64_t tokens, int64_t width,
    int64_t batch_stride, int64_t token_stride, int64_t head_stride);

/// A block of scores: `rows` queries from `first_query` on, of `matrices` batch-and-head pairs from `first_matrix` on.
typedef struct {
    int64_t matrices, rows, keys, first_matrix, first_query, queries, heads, key_width;
    float scale;
    int32_t result_bf16, keeps_scores;
    const float *table;          // heads, queries, keys; or NULL
    const float *height, *width; // batch and head, queries, keys / key_width and key_width; or NULL
} nn_attention_scores;

/// softmax(scores·scale + bias) of each row: in place in fp32, or in bf16 to `result`.
void nn_attention_softmax(const nn_attention_scores *shape, float *scores, void *result);
/// ds = p·(dp − Σ p·dp)·scale of each row.
void nn_attention_softmax_backward(
    const float *p, const float *dp, void *ds, int32_t ds_bf16, int64_t rows, int64_t keys, float scale);

/// Where the numbers of each token and head lie: strides in numbers.
typedef struct {
    const void *base;
    int64_t batch, token, head;
    int32_t bf16;
} nn_heads;

/// y = softmax(q·kᵀ·scale + bias)·v of each batch and head, its products in fp32 or bf16. `y.base` is written.
typedef struct {
    int64_t batches, heads, queries, keys, width, value_width, key_width;
    float scale;
    int32_t bf16;
    nn_heads q, k, v, y;
    const float *table;                    // heads, queries, keys; or NULL
    const float *bias_height, *bias_width; // batch and head, queries, keys / key_width and key_width; or NULL
} nn_attention;
/// Whether this processor has the vectors for it.
int32_t nn_attention_is_fast(int32_t bf16, int64_t width);
size_t nn_attention_scratch_bytes(const nn_attention *shape);
void nn_attention_run(const nn_attention *shape, void *scratch);

// ---- 3×3 convolution by 4×4 tiles ----------------------------------------------------------------------------

/// Stride 1, a border of one zero, no groups; `c` divisible by 16 and `out_c` by 32. The map read and the result (to which
/// the sums are added if so said) are fp32 or bf16; weights, bias and all that is computed are fp32.
typedef struct {
    int64_t n, h, w, c, out_c;
    int32_t bf16, result_bf16, adds_destination, relu;
} nn_winograd;
/// Whether this processor has the vectors for it, and for maps of bf16 nothing faster.
int32_t nn_winograd_is_fast(int32_t bf16);
size_t nn_winograd_weight_bytes(int64_t channels, int64_t out_channels);
/// From output channel, channel, row, column; or, `transposed`, from channel, output channel, and rows and columns turned
/// round: the kernels that carry a gradient back.
void nn_winograd_pack(
    const float *plain, float *packed, int64_t channels, int64_t out_channels, int32_t transposed);
size_t nn_winograd_scratch_bytes(const nn_winograd *shape);
/// `bias` may be NULL.
void nn_winograd_run(
    const nn_winograd *shape, const void *x, const float *packed, const float *bias, void *y, void *scratch);

// ---- Windows and blocks: of numbers of any type, `bytes` a pixel ---------------------------------------------

/// N,H,W to the windows of size × size pixels that cover it, row by row; what lies beyond the map is `padding`, one
/// pixel, or zero where that is NULL. And back, without what lies beyond.
void nn_windows(
    const void *x, void *y, const void *padding, int64_t n, int64_t h, int64_t w, int64_t size, int64_t bytes);
void nn_unwindow(const void *x, void *y, int64_t n, int64_t h, int64_t w, int64_t size, int64_t bytes);
/// The sum of all that lies beyond the map in windows of fp32.
void nn_window_padding_sums(
    const float *dy, float *sums, int64_t n, int64_t h, int64_t w, int64_t size, int64_t channels);
/// From products of each query (matrices, rows · columns of them) with 2·rows − 1 and 2·columns − 1 reversed distances,
/// those for the keys of its own grid: `height` has `rows` numbers a query, `width` has `columns`.
void nn_relative_runs(
    const float *products, float *height, float *width, int64_t matrices, int64_t rows, int64_t columns);
/// rows, w, (factor, factor) blocks to rows · factor, w · factor pixels, or `back`. `bytes` is one pixel of the result.
void nn_pixel_shuffle(const void *x, void *y, int64_t rows, int64_t w, int64_t factor, int64_t bytes, int32_t back);

// ---- Tokens and pixel-adaptive refinement: fp32 -------------------------------------------------------------

/// y = x / max(length, epsilon) for each row; the lengths are kept for the backward pass, which may work in place.
void nn_normalise_length(const float *x, float *y, float *lengths, int64_t rows, int64_t columns, float epsilon);
void nn_normalise_length_backward(
    const float *y, const float *lengths, const float *dy, float *dx, int64_t rows, int64_t columns, float epsilon);
/// Refines the masks (h, w, k) of one image (h, w, c) by colour affinities to the 8 neighbours at each dilation, some
/// times over. `work` has nn_refine_bytes.
int64_t nn_refine_bytes(
    int64_t h, int64_t w, int64_t c, int64_t k, const int32_t *dilations, int32_t dilation_count);
void nn_refine(
    const float *image, const float *masks, float *result, void *work, int64_t h, int64_t w, int64_t c, int64_t k,
    const int32_t *dilations, int32_t dilation_count, int32_t iterations);

// ---- Depthwise 3×3 convolutions, C a multiple of 16 -----------------------------------------------------------

/// `x` holds `in_rows` rows of each image from row `in_first` on, all that the results' rows out_first … out_first +
/// out_rows − 1 of `height` need; the results hold those rows.
typedef struct {
    int64_t images, height, width, channels, in_first, in_rows, out_first, out_rows;
    int32_t bf16; // x and y; all else is fp32
} nn_depthwise;

/// y = GELU(convolution + bias) by the error function. Weights are tap, channel. `slope`, unless NULL, comes as the gradient
/// of y and leaves as that of what GELU read, both in fp32.
void nn_depthwise_gelu(
    const nn_depthwise *shape, const void *x, const float *weights, const float *bias, float *slope, void *y);
/// From the gradient `dz` of the convolution's sums, of whole images. `dx_sums` are those of dx over all pixels, by channel.
/// All results are written, not added.
void nn_depthwise_backward(
    const nn_depthwise *shape, const void *x, const float *weights, const float *dz, float *dx, float *dweights,
    float *dbias, float *dx_sums);

#ifdef __cplusplus
}
#endif
#endif
