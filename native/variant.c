/*
 * All kernels, compiled once per instruction set: the build passes its flags and -DALMA_VARIANT=<name>.
 * A kernel is one line in the table: name in src/engine/ops/KERNELS.md, function, how many buffers, dims and scalars it
 * takes, and which buffers may be absent.
 */
#include "kernel.h"

#include "kernels/activations.h"
#include "kernels/batch.h"
#include "kernels/dense.h"
#include "kernels/dropout.h"
#include "kernels/losses.h"
#include "kernels/metrics.h"
#include "kernels/optimizers.h"
#include "kernels/softmax.h"

#define WITH_GRAD(name, function, scalars) {name, function, 2, 1, scalars, 0}, {name "_grad", function##_grad, 3, 1, scalars, 0}
#define LOSS(name) {#name, name, 3, 2, 0, 0}, {#name "_grad", name##_grad, 3, 2, 0, 0}
#define LOSS_OF_LOGITS(name) {#name, name, 4, 2, 0, 0}, {#name "_grad", name##_grad, 3, 2, 0, 0}

static const Kernel KERNELS[] = {
    {"gather", gather, 1, 2, 1, 0},
    {"gather_as_real", gather_as_real, 1, 2, 1, 0},
    {"add", add, 3, 1, 0, 0},
    {"guard_finite", guard_finite, 1, 1, 0, 0},
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
    {"dense_grad_input", dense_grad_input, 3, 3, 0, 0},
    {"dense_grad_kernel", dense_grad_kernel, 3, 3, 0, 0},
    {"dense_grad_bias", dense_grad_bias, 2, 2, 0, 0},
    {"dropout", dropout, 2, 1, 2, 0},
    LOSS(mean_squared_error),
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
    {"sgd", sgd, 2, 1, 0, 0},
    {"sgd_momentum", sgd_momentum, 3, 1, 2, 0},
    {"adam", adam, 4, 1, 3, 0},
};

#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)
#define JOIN_OF(a, b) a##b
#define JOIN(a, b) JOIN_OF(a, b)

const Variant JOIN(alma_, ALMA_VARIANT) = {TEXT(ALMA_VARIANT), KERNELS, sizeof(KERNELS) / sizeof(KERNELS[0])};
