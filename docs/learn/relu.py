# %% [markdown] lang="en"
# # ReLU, sigmoid and dead units
#
# After each convolution stands `activation="relu"`. It does nothing but replace negative numbers by zero. Without it
# a deep network would be no better than a single layer; with the older sigmoid it would hardly train. This lesson
# measures both.

# %% [markdown] lang="ko"
# # 렐루, 시그모이드, 죽은 뉴런
#
# 합성곱 층에는 늘 `activation="relu"`가 붙습니다. 하는 일은 음수를 0으로 바꾸는 것뿐입니다. 하지만 활성화 함수가
# 없으면 깊은 신경망도 층 하나와 다를 바 없고, 예전에 쓰던 시그모이드로는 깊은 신경망이 거의 훈련되지 않습니다. 이
# 수업에서 두 가지를 모두 측정합니다.

# %% [markdown] lang="en"
# ## ReLU: negative becomes zero
#
# **ReLU** (rectified linear unit) gives max(0, x): a positive number stays, a negative one becomes zero. In a feature
# map it reads like this: how much of the pattern is here, and if none, zero. The **sigmoid** squeezes every number
# between 0 and 1.
#
# What matters for training is the slope. ReLU has a slope of 1 for every positive number. The slope of the sigmoid is
# 0.25 at most, and nearly 0 a few steps from the middle.

# %% [markdown] lang="ko"
# ## 렐루: 음수는 0으로
#
# **렐루**(ReLU, rectified linear unit)는 max(0, x)를 계산합니다. 양수는 그대로 두고 음수는 0으로 바꿉니다. 특성
# 맵에서는 이 위치에 패턴이 얼마나 뚜렷한지를 나타내며, 패턴이 없으면 0입니다. **시그모이드**(sigmoid)는 모든 수를 0과 1 사이의
# 값으로 바꿉니다.
#
# 훈련에서 중요한 것은 기울기입니다. 렐루의 기울기는 양수이면 언제나 1입니다. 시그모이드의 기울기는 가장 클 때도
# 0.25이고, 가운데에서 조금만 벗어나면 0에 가깝습니다.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import layers

import zoo
from recipes.data.samples import fashion_mnist_7k
from zoo.filters import SOBEL_VERTICAL, convolve2d

x = tf.linspace(-6.0, 6.0, 241)
curves = {}
for name in ("relu", "sigmoid"):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = keras.activations.get(name)(x)
    curves[name] = (y.numpy(), tape.gradient(y, x).numpy())
    print(f"{name:8} largest slope {curves[name][1].max():.2f}   slope at x = 5: {curves[name][1][220]:.4f}")

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(8, 2.7), layout="constrained")
for name, colour in (("relu", "#e8590c"), ("sigmoid", "#4c6ef5")):
    for axis, values in zip(axes, curves[name], strict=True):
        axis.plot(x, values, color=colour, linewidth=2.5, label=name)
axes[0].set_ylim(-0.2, 3)
axes[0].set_title("y", fontsize=10)
axes[1].set_title("slope", fontsize=10)
axes[1].legend(frameon=False)
for axis in axes:
    axis.set_xlabel("x")
    axis.patch.set_alpha(0)
    axis.spines[["top", "right"]].set_visible(False)

# %% [markdown] lang="en"
# ReLU and sigmoid, and their slopes. Far from the middle the sigmoid is flat: there a unit answers, but it can hardly
# learn.

# %% [markdown] lang="ko"
# 렐루와 시그모이드, 그리고 각각의 기울기입니다. 시그모이드는 가운데에서 멀어지면 평평합니다. 이곳에서는 뉴런이 값을
# 내놓아도 거의 배우지 못합니다.

# %% [markdown] lang="en"
# ## What ReLU does to a feature map
#
# A picture of clothing, its answer to vertical edges, and what ReLU leaves of it:

# %% [markdown] lang="ko"
# ## 특성 맵에 렐루를 적용하면
#
# 옷 이미지와 세로 에지에 대한 반응, 그리고 렐루를 적용한 결과입니다.

# %% tags=["hide-input"]
train, test, _ = fashion_mnist_7k()
shirt = test.pixels[test.labels == 0][0, ..., 0]
answer = convolve2d(shirt, SOBEL_VERTICAL)
fig, axes = plt.subplots(1, 3, figsize=(7.5, 2.6), layout="constrained")
axes[0].imshow(shirt, cmap="gray")
limit = np.abs(answer).max()
for axis, values in zip(axes[1:], (answer, np.maximum(answer, 0)), strict=True):
    axis.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit)
for axis, name in zip(axes, ("picture", "feature map", "max(0, x)"), strict=True):
    axis.set_title(name, fontsize=10)
    axis.axis("off")

# %% [markdown] lang="en"
# Red is positive, blue negative. The map has an edge of either kind; after ReLU only those remain that run from
# bright to dark. For the others the layer needs a second kernel, with the opposite signs.

# %% [markdown] lang="ko"
# 빨간색은 양수, 파란색은 음수입니다. 특성 맵에는 두 종류의 에지가 모두 나오지만, 렐루를 거치면 밝은 쪽에서 어두운
# 쪽으로 가는 에지만 남습니다. 반대쪽 에지를 찾으려면 부호가 반대인 커널이 하나 더 필요합니다.

# %% [markdown] lang="en"
# ## Why an activation at all
#
# Without activation a layer only multiplies and adds. Two such layers in a row can be worked out as one: the product
# of their weights. Depth would gain nothing. The code puts a hundred pictures through two dense layers without
# activation, and through the single layer that replaces them.

# %% [markdown] lang="ko"
# ## 왜 활성화 함수가 필요한가
#
# 활성화 함수가 없으면 층은 곱하고 더하기만 합니다. 이런 층 두 개는 가중치를 서로 곱해 층 하나로 바꿀 수 있으므로,
# 깊게 쌓아도 얻는 것이 없습니다. 이미지 100장을 활성화 함수가 없는 밀집층 두 개에 통과시키고, 이를 대신하는 층
# 하나에도 통과시켜 보겠습니다.

# %%
keras.utils.set_random_seed(0)
inputs = test.pixels[:100].reshape(100, -1).astype("float32") / 255
first, second = layers.Dense(64), layers.Dense(10)
two_layers = second(first(inputs)).numpy()
(w1, b1), (w2, b2) = first.get_weights(), second.get_weights()
print(f"one layer in place of two:    {np.abs(two_layers - (inputs @ (w1 @ w2) + b1 @ w2 + b2)).max():.6f}")
with_relu = second(keras.activations.relu(first(inputs))).numpy()
print(f"with ReLU between, they differ by {np.abs(with_relu - two_layers).max():.2f}")

# %% [markdown] lang="en"
# ## Why not sigmoid: the gradient fades
#
# Training sends the error back through the network, layer by layer. At each layer it is multiplied by the weights and
# by the slope of the activation. With a sigmoid the slope is 0.25 at most. Ten of them make at most 0.25 to the power
# of 10, about a millionth. This is the **vanishing gradient**.
#
# The code builds a network of ten hidden layers once with each activation and measures the gradient that arrives at
# each.

# %% [markdown] lang="ko"
# ## 왜 시그모이드가 아닌가: 사라지는 그레이디언트
#
# 훈련할 때는 오차가 층을 하나씩 거슬러 올라가며 전달됩니다. 층마다 가중치와 활성화 함수의 기울기를 곱하는데,
# 시그모이드의 기울기는 0.25를 넘지 못합니다. 열 층을 지나면 기울기의 곱만 해도 0.25의 10제곱, 약 100만분의 1 이하가
# 됩니다. 이를 **그레이디언트 소실**(vanishing gradient)이라고 합니다.
#
# 은닉층이 열 개인 신경망을 두 활성화 함수로 하나씩 만들고, 층마다 도착하는 그레이디언트를 재 보겠습니다.

# %%
pixels, labels = train.pixels[:1500], train.labels[:1500]


def gradient_of_each_layer(activation):
    keras.utils.set_random_seed(0)
    hidden = [layers.Dense(64, activation=activation) for _ in range(10)]
    network = keras.Sequential([layers.Rescaling(1 / 255), layers.Flatten(), *hidden, layers.Dense(10, "softmax")])
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels[:256], network(pixels[:256])))
    slopes = tape.gradient(loss, [layer.kernel.value for layer in hidden])
    return [float(tf.reduce_mean(tf.abs(slope))) for slope in slopes]


gradients = {activation: gradient_of_each_layer(activation) for activation in ("relu", "sigmoid")}
for activation, sizes in gradients.items():
    print(f"{activation:8} layer 1: {sizes[0]:.1e}   layer 10: {sizes[-1]:.1e}")

# %% tags=["hide-input"]
fig, axis = plt.subplots(figsize=(6, 2.8), layout="constrained")
for activation, colour, mark in (("relu", "#e8590c", "o"), ("sigmoid", "#4c6ef5", "s")):
    axis.semilogy(range(1, 11), gradients[activation], mark, linestyle="-", color=colour, label=activation)
axis.set_xlabel("layer")
axis.set_ylabel("mean |gradient|")
axis.set_xticks(range(1, 11))
axis.legend(frameon=False)
axis.patch.set_alpha(0)
axis.spines[["top", "right"]].set_visible(False)

# %% [markdown] lang="en"
# The mean gradient of each layer's weights, on a logarithmic axis. With ReLU all layers get about as much. With the
# sigmoid the first layer gets a tiny part of what the last one gets, and so hardly learns.

# %% [markdown] lang="ko"
# 층마다 가중치가 받는 그레이디언트의 평균입니다. 세로축은 로그 눈금입니다. 렐루를 쓰면 모든 층이 비슷한 크기를
# 받습니다. 시그모이드를 쓰면 첫 번째 층은 마지막 층이 받는 것의 아주 작은 일부만 받아서 거의 배우지 못합니다.

# %% [markdown] lang="en"
# ## The same in a real network: LeNet-5
#
# [LeNet-5](../networks/lenet5.md) of 1998 had sigmoid-like activations. In the zoo the activation is an argument,
# which changes no parameter. Both kinds train here on 800 pictures, four times over.

# %% [markdown] lang="ko"
# ## 실제 신경망에서 확인하기: LeNet-5
#
# 1998년의 [LeNet-5](../networks/lenet5.md)는 시그모이드 계열의 활성화 함수를 썼습니다. 이 프로젝트에서는 활성화
# 함수를 매개변수로 바꿀 수 있으며, 파라미터 개수는 그대로입니다. 이미지 800장으로 네 에포크씩 훈련해 보겠습니다.


# %%
def accuracy(network):
    return (np.asarray(network(test.pixels)).argmax(axis=1) == test.labels).mean()


for activation in ("sigmoid", "relu"):
    keras.utils.set_random_seed(0)
    network = zoo.get("lenet5", activation=activation)
    network.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
    losses = network.fit(pixels[:800], labels[:800], batch_size=32, epochs=4, verbose=0).history["loss"]
    print(f"{activation:8} loss " + " ".join(f"{loss:.2f}" for loss in losses) + f"   accuracy {accuracy(network):.0%}")

# %% [markdown] lang="en"
# A network that guesses among ten classes has a loss of 2.30. The sigmoid network stays there for a while before it
# begins to learn. With more layers it may stay for ever.

# %% [markdown] lang="ko"
# 클래스 열 개 가운데 아무거나 찍는 신경망의 손실은 2.30입니다. 시그모이드 신경망은 한동안 이 값에 머물다가 뒤늦게 배우기
# 시작합니다. 층이 더 많다면 끝내 배우지 못할 수도 있습니다.

# %% [markdown] lang="en"
# ## Dead units
#
# ReLU has a weakness. Where its input is negative its slope is 0, so nothing is learned from that picture. If a
# unit's input is negative for **every** picture, it gives zero always and gets no gradient from any: it is **dead**,
# and mostly stays so.
#
# This happens when one step is too large and throws the weights far off. The code trains one hidden layer of 100
# units at three learning rates and counts units that are zero for all 1,500 pictures.

# %% [markdown] lang="ko"
# ## 죽은 뉴런
#
# 렐루에도 약점이 있습니다. 입력이 음수이면 기울기가 0이므로 그 이미지에서는 아무것도 배우지 못합니다. **모든**
# 이미지에서 입력이 음수인 뉴런은 늘 0을 내놓고 그레이디언트도 전혀 받지 못합니다. 이런 뉴런을 **죽은 뉴런**(dead
# unit)이라고 하며, 대부분 되살아나지 못합니다.
#
# 한 번의 업데이트가 너무 커서 가중치가 멀리 튕겨 나갈 때 이런 일이 일어납니다. 뉴런이 100개인 은닉층 하나를 세 가지
# 학습률로 훈련하고, 이미지 1,500장 모두에서 0인 뉴런을 세어 보겠습니다.

# %%
for rate in (0.1, 0.5, 1.0):
    keras.utils.set_random_seed(0)
    hidden = keras.Sequential([layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(100, "relu")])
    network = keras.Sequential([hidden, layers.Dense(10, "softmax")])
    network.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy")
    network.fit(pixels, labels, batch_size=32, epochs=2, verbose=0)
    dead = (np.asarray(hidden(pixels)).max(axis=0) == 0).sum()
    print(f"learning rate {rate}: {dead:3} of 100 units dead, accuracy {accuracy(network):.0%}")

# %% [markdown] lang="en"
# A lower learning rate is the first remedy. Activations that keep a small slope on the negative side are another,
# such as `layers.LeakyReLU`. A few dead units do no harm; a dead layer leaves nothing but guesses.

# %% [markdown] lang="ko"
# 가장 먼저 할 일은 학습률을 낮추는 것입니다. `layers.LeakyReLU`처럼 음수 쪽에도 작은 기울기를 남기는 활성화 함수도
# 있습니다. 죽은 뉴런 몇 개는 문제가 되지 않지만, 층 전체가 죽으면 신경망은 찍기만 하게 됩니다.

# %% [markdown] lang="en"
# ## Try it: switch ReLU on and off
#
# <div class="widget" data-widget="kernel" markdown="0"><p>A kernel slides over a small picture and writes a feature
# map. A switch sets all negative values of the map to zero, as ReLU does; a bias shifts them first.</p></div>
#
# Switch ReLU on and lower the bias step by step. At some point the whole map is zero: this is how a unit dies.

# %% [markdown] lang="ko"
# ## 해 보기: 렐루 켜고 끄기
#
# <div class="widget" data-widget="kernel" markdown="0"><p>커널이 작은 그림 위를 움직이며 특성 맵을 만듭니다. 스위치를
# 켜면 렐루처럼 음수가 모두 0이 되고, 편향은 그 전에 값을 옮깁니다.</p></div>
#
# 렐루를 켜고 편향을 조금씩 낮춰 보세요. 어느 순간 특성 맵 전체가 0이 됩니다. 뉴런은 이렇게 죽습니다.

# %% [markdown] lang="en"
# ## Check yourself
#
# A last layer for two classes often has one unit with a sigmoid. Why is the sigmoid no harm there?
#
# ??? question "Answer"
#     There it is wanted: a number between 0 and 1, to be read as a probability. It stands only once, so no long
#     product of small slopes arises. And together with the loss `binary_crossentropy` its flat ends cancel out: the
#     gradient is just the answer minus the label.

# %% [markdown] lang="ko"
# ## 확인 문제
#
# 클래스가 두 개일 때 마지막 층은 흔히 시그모이드를 쓰는 뉴런 하나입니다. 여기서는 왜 시그모이드가 문제가 되지
# 않을까요?
#
# ??? question "정답"
#     마지막 층에서는 확률로 읽을 수 있는 0과 1 사이의 값이 필요합니다. 한 번만 나오므로 작은 기울기가 여러 번
#     곱해지지도 않습니다. 게다가 손실 함수 `binary_crossentropy`와 함께 쓰면 평평한 양 끝의 영향이 상쇄되어,
#     그레이디언트는 예측에서 레이블을 뺀 값이 됩니다.

# %% [markdown] lang="en"
# ## In the books
#
# - Learning deep learning by making it alone, section 1-3: LeNet-5 with sigmoid.
# - Hon Gong Machine Learning + Deep Learning, section 8-2: `activation="relu"` in both convolutions.
# - Deep Learning with Python, 2nd edition, section 8.1: the same in `Conv2D(32, 3, activation="relu")`.
#
# [The books, chapter by chapter](../books.md) has the networks of each. Next lesson: [pooling](pooling.md).

# %% [markdown] lang="ko"
# ## 책에서는
#
# - 《혼자 만들면서 공부하는 딥러닝》 1-3절: 시그모이드를 쓰는 LeNet-5
# - 《혼자 공부하는 머신러닝+딥러닝》 8-2절: 두 합성곱 층의 `activation="relu"`
# - 《케라스 창시자에게 배우는 딥러닝》 2판 8.1절: `Conv2D(32, 3, activation="relu")`
#
# 장마다 어느 신경망이 나오는지는 [책의 장마다 따라 하기](../books.md)에 있습니다. 다음 수업은 [풀링](pooling.md)입니다.
