/*
 * All kernels, compiled once per instruction set: the build passes its flags and -DALMA_VARIANT=<name>.
 * A kernel is one line in the table: name in src/engine/ops/KERNELS.md, function, how many buffers, dims and scalars it
 * takes, which buffers may be absent, and whether it works element by element.
 */
#include "kernel.h"

#include "kernels/activations.h"
#include "kernels/attention.h"
#include "kernels/batch.h"
#include "kernels/convolution.h"
#include "kernels/dense.h"
#include "kernels/dropout.h"
#include "kernels/gather.h"
#include "kernels/gru.h"
#include "kernels/l2-normalization.h"
#include "kernels/layer-normalization.h"
#include "kernels/losses.h"
#include "kernels/lstm.h"
#include "kernels/mean-losses.h"
#include "kernels/metrics.h"
#include "kernels/noise.h"
#include "kernels/normalization.h"
#include "kernels/optimizers.h"
#include "kernels/penalties.h"
#include "kernels/pieces.h"
#include "kernels/pooling.h"
#include "kernels/simple-rnn.h"
#include "kernels/softmax.h"
#include "kernels/structure.h"

#define WITH_GRAD(name, function, scalars) {name, function, 2, 1, scalars, 0, 1}, {name "_grad", function##_grad, 3, 1, scalars, 0, 1}
#define LOSS(name) {#name, name, 3, 2, 0, 0}, {#name "_grad", name##_grad, 3, 2, 0, 0}
#define LOSS_WITH(name, scalars) {#name, name, 3, 2, scalars, 0}, {#name "_grad", name##_grad, 3, 2, scalars, 0}
#define LOSS_OF_LOGITS(name) {#name, name, 4, 2, 0, 0}, {#name "_grad", name##_grad, 3, 2, 0, 0}

static const Kernel KERNELS[] = {
    {"gather", gather, 1, 2, 1, 0},
    {"gather_as_real", gather_as_real, 1, 2, 1, 0},
    {"add", add, 3, 1, 0, 0, 1},
    {"guard_finite", guard_finite, 1, 1, 0, 0, 1},
    {"subtract", subtract_elements, 3, 1, 0, 0, 1},
    {"multiply", multiply_elements, 3, 1, 0, 0, 1},
    {"maximum", maximum_elements, 3, 1, 0, 0, 1},
    {"maximum_grad", maximum_elements_grad, 4, 1, 1, 0, 1},
    {"place", place, 2, 3, 1, 0},
    {"take", take, 2, 3, 1, 0},
    {"pad", pad, 2, 3, 1, 0},
    {"repeat", repeat, 2, 3, 0, 0},
    {"repeat_grad", repeat_grad, 2, 3, 0, 0},
    {"swap_axes", swap_axes, 2, 4, 0, 0},
    {"lookup", lookup, 3, 3, 0, 0},
    {"lookup_grad", lookup_grad, 3, 3, 0, 0},
    {"nonzero", nonzero, 2, 1, 0, 0},
    {"differing", differing, 2, 2, 1, 0},
    {"mask_rows", mask_rows, 3, 2, 0, 0},
    {"batch_product", batch_product, 3, 4, 0, 0},
    {"batch_product_grad_left", batch_product_grad_left, 3, 4, 0, 0},
    {"batch_product_grad_right", batch_product_grad_right, 3, 4, 0, 0},
    {"mask_scores", mask_scores, 3, 3, 1, 0},
    {"causal_scores", causal_scores, 2, 3, 1, 0},
    WITH_GRAD("step", step_function, 0),
    WITH_GRAD("sigmoid", sigmoid, 0),
    WITH_GRAD("tanh", hyperbolic, 0),
    WITH_GRAD("relu", relu, 0),
    WITH_GRAD("leaky_relu", leaky_relu, 1),
    WITH_GRAD("elu", elu, 1),
    WITH_GRAD("selu", selu, 0),
    WITH_GRAD("gelu", gelu, 0),
    WITH_GRAD("gelu_tanh", gelu_tanh, 0),
    WITH_GRAD("silu", silu, 0),
    WITH_GRAD("softplus", softplus, 0),
    WITH_GRAD("softsign", softsign, 0),
    WITH_GRAD("hard_sigmoid", hard_sigmoid, 0),
    WITH_GRAD("exponential", exponential_function, 0),
    {"softmax", softmax, 2, 2, 0, 0},
    {"softmax_grad", softmax_grad, 3, 2, 0, 0},
    {"log_softmax", log_softmax, 2, 2, 0, 0},
    {"log_softmax_grad", log_softmax_grad, 3, 2, 0, 0},
    {"dense", dense, 4, 3, 0, 1 << 2},
    {"dense_activated", dense_activated, 4, 3, 1, 1 << 2},
    {"dense_grad_input", dense_grad_input, 3, 3, 0, 0},
    {"dense_grad_kernel", dense_grad_kernel, 3, 3, 0, 0},
    {"dense_grad_bias", dense_grad_bias, 2, 2, 0, 0},
    {"dropout", dropout, 2, 1, 2, 0},
    {"spatial_dropout", spatial_dropout, 2, 3, 2, 0},
    {"gaussian_noise", gaussian_noise, 2, 1, 2, 0},
    {"gaussian_noise_grad", gaussian_noise_grad, 2, 1, 0, 0, 1},
    {"convolution", convolution, 5, 11, 6, 1 << 2},
    {"convolution_activated", convolution_activated, 5, 11, 7, 1 << 2},
    {"convolution_grad_input", convolution_grad_input, 5, 11, 6, 1 << 2},
    {"convolution_grad_kernel", convolution_grad_kernel, 4, 11, 6, 0},
    {"max_pooling", max_pooling, 2, 8, 6, 0},
    {"max_pooling_grad", max_pooling_grad, 3, 8, 6, 0},
    {"average_pooling", average_pooling, 2, 8, 6, 0},
    {"average_pooling_grad", average_pooling_grad, 2, 8, 6, 0},
    {"batch_statistics", batch_statistics, 4, 2, 0, 1 << 1},
    {"normalize", normalize, 6, 2, 1, 1 << 3 | 1 << 4},
    {"normalize_activated", normalize_activated, 6, 2, 2, 1 << 3 | 1 << 4},
    {"normalize_grad_affine", normalize_grad_affine, 6, 2, 1, 0},
    {"normalize_grad_input", normalize_grad_input, 4, 2, 1, 1 << 2},
    {"batch_normalization_grad_input", batch_normalization_grad_input, 9, 2, 1, 1 << 4 | 1 << 7},
    {"moving_average", moving_average, 2, 1, 1, 0},
    {"layer_normalization", layer_normalization, 4, 2, 1, 1 << 1 | 1 << 2},
    {"layer_normalization_grad_input", layer_normalization_grad_input, 4, 2, 1, 1 << 2},
    {"layer_normalization_grad_gamma", layer_normalization_grad_gamma, 3, 2, 1, 0},
    {"l2_normalize", l2_normalize, 2, 2, 1, 0},
    {"l2_normalize_grad", l2_normalize_grad, 3, 2, 1, 0},
    {"prelu", prelu, 3, 2, 0, 0},
    {"prelu_grad", prelu_grad, 4, 2, 0, 0},
    {"prelu_grad_alpha", prelu_grad_alpha, 3, 2, 0, 0},
    {"maxout", maxout, 2, 2, 0, 0},
    {"maxout_grad", maxout_grad, 3, 2, 0, 0},
    {"dropout_mask", dropout_mask, 1, 1, 2, 0},
    {"reverse_time", reverse_time, 2, 3, 0, 0},
    {"simple_rnn", simple_rnn, 12, 5, 5, 1 << 2 | 1 << 3 | 1 << 4 | 1 << 10},
    {"simple_rnn_grad", simple_rnn_grad, 13, 5, 5, 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 8 | 1 << 11},
    {"lstm", lstm, 15, 5, 5, 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 13},
    {"lstm_grad", lstm_grad, 16, 5, 5, 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 14},
    {"gru", gru, 14, 5, 5, 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 12},
    {"gru_grad", gru_grad, 16, 5, 5, 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 9 | 1 << 10 | 1 << 13},
    {"gru_reset_before", gru_reset_before, 13, 5, 5, 1 << 2 | 1 << 3 | 1 << 4 | 1 << 11},
    {"gru_reset_before_grad", gru_reset_before_grad, 14, 5, 5, 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 9 | 1 << 12},
    {"scale_rows", scale_rows, 2, 2, 0, 0},
    {"add_penalty", add_penalty, 2, 2, 2, 0},
    {"add_penalty_gradient", add_penalty_gradient, 2, 1, 2, 0, 1},
    {"clip_value", clip_value, 1, 1, 1, 0, 1},
    {"clip_norm", clip_norm, 1, 1, 1, 0},
    {"affine", affine, 2, 1, 2, 0, 1},
    {"one_hot", one_hot, 2, 2, 2, 0},
    LOSS(mean_squared_error),
    LOSS(mean_absolute_error),
    LOSS_WITH(huber, 1),
    LOSS(log_cosh),
    LOSS(hinge),
    LOSS(poisson),
    LOSS(kl_divergence),
    LOSS(cosine_similarity),
    LOSS_OF_LOGITS(perceptron),
    LOSS(binary_cross_entropy),
    LOSS_OF_LOGITS(sigmoid_cross_entropy),
    LOSS(categorical_cross_entropy),
    LOSS_OF_LOGITS(softmax_cross_entropy),
    LOSS(sparse_categorical_cross_entropy),
    LOSS_OF_LOGITS(sparse_softmax_cross_entropy),
    {"accumulate_mean", accumulate_mean, 2, 1, 0, 0},
    {"accumulate_accuracy", accumulate_accuracy, 3, 2, 0, 0},
    {"accumulate_binary_accuracy", accumulate_binary_accuracy, 3, 1, 1, 0},
    {"accumulate_absolute_error", accumulate_absolute_error, 3, 2, 0, 0},
    {"accumulate_squared_error", accumulate_squared_error, 3, 2, 0, 0},
    {"accumulate_variance", accumulate_variance, 3, 2, 0, 0},
    {"accumulate_top_k", accumulate_top_k, 3, 2, 1, 0},
    {"accumulate_log_loss", accumulate_log_loss, 3, 2, 0, 0},
    {"accumulate_binary_log_loss", accumulate_binary_log_loss, 3, 1, 0, 0},
    {"accumulate_confusion", accumulate_confusion, 3, 2, 0, 0},
    {"accumulate_binary_confusion", accumulate_binary_confusion, 3, 1, 1, 0},
    {"sgd", sgd, 2, 1, 0, 0, 1},
    {"sgd_momentum", sgd_momentum, 3, 1, 2, 0, 1},
    {"adam", adam, 4, 1, 3, 0, 1},
    {"adam_amsgrad", adam_amsgrad, 5, 1, 3, 0, 1},
    {"adamw", adamw, 4, 1, 4, 0, 1},
    {"adamax", adamax, 4, 1, 3, 0, 1},
    {"nadam", nadam, 4, 1, 3, 0, 1},
    {"rmsprop", rmsprop, 3, 1, 2, 0, 1},
    {"rmsprop_momentum", rmsprop_momentum, 4, 1, 3, 0, 1},
    {"rmsprop_centered", rmsprop_centered, 4, 1, 2, 0, 1},
    {"rmsprop_centered_momentum", rmsprop_centered_momentum, 5, 1, 3, 0, 1},
    {"adagrad", adagrad, 3, 1, 2, 0, 1},
    {"adadelta", adadelta, 4, 1, 2, 0, 1},
};

#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)
#define JOIN_OF(a, b) a##b
#define JOIN(a, b) JOIN_OF(a, b)

const Variant JOIN(alma_, ALMA_VARIANT) = {TEXT(ALMA_VARIANT), KERNELS, sizeof(KERNELS) / sizeof(KERNELS[0])};
