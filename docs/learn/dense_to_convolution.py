# %% [markdown] lang="en"
# # From dense layers to convolution
#
# A dense layer can learn to read digits. Why then does nearly every network for pictures begin with convolutions?
# This lesson trains both on the same 2,000 digits and compares what they have learned.

# %% [markdown] lang="ko"
# # 밀집층에서 합성곱으로
#
# 밀집층만으로도 숫자를 읽을 수 있습니다. 그런데 왜 이미지를 다루는 신경망은 거의 모두 합성곱으로 시작할까요? 이
# 수업에서는 같은 숫자 이미지 2,000장으로 두 신경망을 훈련하고 무엇을 배웠는지 비교합니다.

# %% [markdown] lang="en"
# ## Global patterns and local patterns
#
# A dense layer takes a row of numbers, so the picture is flattened first: 28 × 28 pixels become 784 inputs. Each unit
# has a weight for every pixel. What it learns is a pattern of the whole picture, a **global pattern**.
#
# A convolution looks at the picture through a small window, here 5 × 5 pixels. The same 25 weights, its **kernel**,
# are used at every place. What it learns is a **local pattern**: an edge, a corner, the end of a stroke.

# %% [markdown] lang="ko"
# ## 전역 패턴과 지역 패턴
#
# 밀집층은 한 줄로 늘어놓은 숫자를 받습니다. 그래서 먼저 이미지를 펼칩니다. 28 × 28 픽셀은 입력 784개가 됩니다.
# 뉴런마다 모든 픽셀에 대한 가중치가 하나씩 있으므로, 밀집층은 이미지 전체에 걸친 **전역 패턴**을 학습합니다.
#
# 합성곱은 작은 창으로 이미지를 봅니다. 여기서는 5 × 5 픽셀입니다. 이 가중치 25개가 **커널**(kernel)입니다. 커널을 이미지의
# 모든 위치에서 똑같이 사용하므로, 에지(edge)나 꺾인 곳, 획의 끝과 같은 **지역 패턴**을 학습합니다.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers

import zoo
from recipes.data.samples import mnist_5k

train, test, _ = mnist_5k()
rng = np.random.default_rng(0)
chosen = rng.permutation(len(train))[:2000]
train_pixels, train_labels = train.pixels[chosen], train.labels[chosen]


def dense_network():
    image = keras.Input((28, 28, 1))
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Flatten()(x)
    return keras.Model(image, layers.Dense(10, activation="softmax", name="dense")(x))


def convolutional_network():
    image = keras.Input((28, 28, 1))
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Conv2D(16, 5, strides=2, activation="relu", name="conv1")(x)
    x = layers.Conv2D(32, 3, strides=2, activation="relu", name="conv2")(x)
    x = layers.Flatten()(x)
    return keras.Model(image, layers.Dense(10, activation="softmax", name="dense")(x))


def trained(build, pixels):
    keras.utils.set_random_seed(0)
    network = build()
    network.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
    network.fit(pixels, train_labels, batch_size=64, epochs=4, verbose=0)
    return network


def accuracy(network, pixels):
    return (np.asarray(network(pixels)).argmax(axis=1) == test.labels).mean()


dense = trained(dense_network, train_pixels)
convolutional = trained(convolutional_network, train_pixels)
for network in (dense, convolutional):
    for row in zoo.arithmetic(network).rows:
        if row.parameters:
            print(f"{row.layer:6} {row.formula}")
    print(f"accuracy on 1,000 other digits: {accuracy(network, test.pixels):.1%}\n")

# %% tags=["hide-input"]
fig = plt.figure(figsize=(9, 3.1), layout="constrained")
left, right = fig.subfigures(1, 2, width_ratios=(3, 2.2))
templates = dense.get_layer("dense").get_weights()[0].reshape(28, 28, 10)
for axis, digit in zip(left.subplots(1, 3), (0, 1, 7), strict=True):
    axis.imshow(templates[..., digit], cmap="RdBu_r", vmin=-0.4, vmax=0.4)
    axis.set_title(f"Dense: {digit}", fontsize=10)
    axis.axis("off")
kernels = convolutional.get_layer("conv1").get_weights()[0][:, :, 0]
right.suptitle("Conv2D: 16 kernels, 5 x 5", fontsize=10)
for axis, place in zip(right.subplots(4, 4).flat, range(16), strict=True):
    axis.imshow(kernels[..., place], cmap="RdBu_r", vmin=-0.4, vmax=0.4)
    axis.axis("off")

# %% [markdown] lang="en"
# Red weights speak for the answer, blue ones against it. On the left, the weights of three dense units, one for each
# pixel: the 0 is a ring with a blue hole. On the right, the sixteen small kernels of the convolution: many have a red
# side and a blue side, and so answer to edges.

# %% [markdown] lang="ko"
# 빨간 가중치는 그 답의 점수를 올리고 파란 가중치는 내립니다. 왼쪽은 밀집층 뉴런 세 개의 가중치로, 픽셀마다 하나씩 있습니다. 0은
# 가운데가 파란 고리 모양입니다. 오른쪽은 합성곱의 작은 커널 열여섯 개입니다. 빨간 쪽과 파란 쪽으로 나뉜 커널이 많은데, 이런 커널은
# 에지에 반응합니다.

# %% [markdown] lang="en"
# ## Why neighbours matter: the shuffled picture
#
# Flattening throws away which pixels were neighbours. To see whether that matters, shuffle the 784 pixels, in the
# same way for every picture. Not a single number is lost.

# %% [markdown] lang="ko"
# ## 왜 이웃 픽셀이 중요한가: 뒤섞은 이미지
#
# 이미지를 펼치면 어느 픽셀이 서로 이웃이었는지 알 수 없게 됩니다. 이것이 정말 중요할까요? 픽셀 784개를 모든
# 이미지에서 똑같은 순서로 뒤섞어 보겠습니다. 숫자는 하나도 사라지지 않습니다.

# %%
order = rng.permutation(28 * 28)


def shuffled(pixels):
    return pixels.reshape(len(pixels), -1)[:, order].reshape(pixels.shape)


networks = {"dense": (dense, dense_network), "convolutional": (convolutional, convolutional_network)}
print(f"{'':14}{'as they are':>12}{'shuffled':>12}")
for name, (network, build) in networks.items():
    other = trained(build, shuffled(train_pixels))
    scores = accuracy(network, test.pixels), accuracy(other, shuffled(test.pixels))
    print(f"{name:14}" + "".join(f"{score:>12.1%}" for score in scores))

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 4, figsize=(9, 2.4), layout="constrained")
two = np.stack([test.pixels[test.labels == digit][0] for digit in (0, 7)])
for axis, picture in zip(axes, [two[0], shuffled(two)[0], two[1], shuffled(two)[1]], strict=True):
    axis.imshow(picture[..., 0], cmap="gray")
    axis.axis("off")

# %% [markdown] lang="en"
# Two digits and the same digits shuffled. The dense network reads both kinds about equally well: to it a picture is a
# list without order. The convolutional network loses most of its lead, because a window of a shuffled picture holds
# no edge and no corner.

# %% [markdown] lang="ko"
# 숫자 두 개와, 같은 숫자를 뒤섞은 그림입니다. 밀집층 신경망은 두 경우의 정확도가 거의 같습니다. 밀집층에게 이미지는 순서 없는
# 목록이기 때문입니다. 합성곱 신경망은 앞서던 만큼을 거의 다 잃습니다. 뒤섞은 이미지의 창 안에는 에지도 꺾인 곳도 없기 때문입니다.

# %% [markdown] lang="en"
# ## Why a pattern has to be learned only once
#
# What a kernel answers at all places is again a picture, its **feature map**; [the next lesson](convolution.md) computes
# one by hand. The kernel is the same at every place. So when the picture moves, the map moves along and is otherwise the same.
# This is called **translation equivariance**; books often say that learned patterns are *translation invariant*. A
# pattern learned in one corner is known in all corners, so fewer training pictures are needed.
#
# A dense unit has other weights at each place. To it a moved digit is a new picture. The code moves digits to the
# right and asks both.

# %% [markdown] lang="ko"
# ## 왜 패턴을 한 번만 배우면 되는가
#
# 커널이 모든 위치에서 낸 값을 제자리에 모으면 다시 그림이 되는데, 이것이 **특성 맵**(feature map)입니다. [다음
# 수업](convolution.md)에서 손으로 계산해 보겠습니다. 커널은 모든 위치에서 똑같습니다. 그래서 이미지가 움직이면 특성 맵도
# 함께 움직일 뿐, 값은 그대로입니다. 이를 **평행 이동 등변성**(translation equivariance)이라고 합니다. 책에서는
# 흔히 학습된 패턴이 *평행 이동 불변성*을 가진다고 말합니다. 한쪽 구석에서 배운 패턴을 다른 구석에서도 알아보므로 훈련 이미지가 적어도
# 됩니다.
#
# 밀집층의 뉴런은 위치마다 가중치가 다릅니다. 밀집층에게 옆으로 옮긴 숫자는 처음 보는 이미지입니다. 숫자를 오른쪽으로 옮기면서 두
# 신경망을 확인해 보겠습니다.


# %%
def moved(pixels, step):
    return np.pad(pixels, ((0, 0), (0, 0), (step, 0), (0, 0)))[:, :, : pixels.shape[2]]


first_maps = keras.Model(convolutional.input, convolutional.get_layer("conv1").output)
before = np.asarray(first_maps(test.pixels[:100]))
after = np.asarray(first_maps(moved(test.pixels[:100], 4)))
print(
    f"maps of 4 pixels to the right, against maps moved by 2: {np.abs(after[:, :, 2:] - before[:, :, :-2]).max():.6f}"
)

for step in (0, 1, 2, 3, 4):
    scores = [accuracy(network, moved(test.pixels, step)) for network in (dense, convolutional)]
    print(f"moved by {step}: dense {scores[0]:.1%}, convolutional {scores[1]:.1%}")

# %% [markdown] lang="en"
# The first line says: the maps of the moved picture are the moved maps, to six decimals. (The window moves two pixels
# at a time, so four pixels of the picture are two places of the map.)
#
# The other lines say: the convolutional network holds out longer, but not for ever. Its last layer is a dense one,
# and to that layer places matter again. [Pooling](pooling.md) takes up this question.

# %% [markdown] lang="ko"
# 첫 줄을 보면 옮긴 이미지의 특성 맵은 특성 맵을 옮긴 것과 소수점 아래 여섯 자리까지 같습니다. (창이 두 픽셀씩
# 움직이므로 이미지의 네 픽셀은 특성 맵의 두 칸입니다.)
#
# 나머지 줄을 보면 합성곱 신경망이 더 오래 버티지만 끝까지 버티지는 못합니다. 마지막 층이 밀집층이어서 위치가 다시
# 중요해지기 때문입니다. 이 문제는 [풀링](pooling.md)에서 이어서 다룹니다.

# %% [markdown] lang="en"
# ## The price of a dense layer
#
# One more reason is the number of weights. A dense layer needs one for each pixel and unit, a convolution the same
# few at every place:

# %% [markdown] lang="ko"
# ## 밀집층의 비용
#
# 가중치의 개수도 이유입니다. 밀집층에는 픽셀과 뉴런의 쌍마다 가중치가 하나씩 필요하지만, 합성곱은 몇 안 되는 가중치를
# 모든 위치에서 함께 씁니다.

# %%
for shape in ((28, 28, 1), (180, 180, 3), (224, 224, 3)):
    image = keras.Input(shape)
    dense_layer = layers.Dense(32, name="dense")(layers.Flatten()(image))
    convolution = layers.Conv2D(32, 3, name="conv")(image)
    for output in (dense_layer, convolution):
        row = zoo.arithmetic(keras.Model(image, output)).rows[-1]
        print(f"{shape!s:14} {row.layer:6} {row.formula}")

# %% [markdown] lang="en"
# The size of the picture does not appear in the convolution's formula at all. [Counting
# parameters](counting_parameters.md) goes into this.
#
# And local patterns can be put together: edges to corners, corners to eyes, eyes to faces. This **spatial hierarchy**
# is the subject of [a later lesson](hierarchy.md).

# %% [markdown] lang="ko"
# 합성곱의 식에는 이미지의 크기가 아예 나오지 않습니다. 자세한 내용은 [파라미터 세기](counting_parameters.md)에서
# 다룹니다.
#
# 그리고 지역 패턴은 조합할 수 있습니다. 에지가 모여 꺾인 곳이 되고, 꺾인 곳이 모여 눈이 되고, 눈이 모여 얼굴이
# 됩니다. 이 **공간적 계층 구조**는 [뒤의 수업](hierarchy.md)에서 다룹니다.

# %% [markdown] lang="en"
# ## Try it: move the picture
#
# <div class="widget" data-widget="network" markdown="0"><p>A small picture runs through a trained network. When you
# move the picture, its feature maps move along, and the bars show how the answer changes.</p></div>
#
# Move the shoe to the right and watch the maps of the first convolution. Then watch the answer: how far can the shoe
# go?

# %% [markdown] lang="ko"
# ## 해 보기: 이미지 옮기기
#
# <div class="widget" data-widget="network" markdown="0"><p>작은 이미지가 훈련된 신경망을 지나갑니다. 이미지를 옮기면
# 특성 맵도 함께 움직이고, 막대는 답이 어떻게 바뀌는지 보여 줍니다.</p></div>
#
# 신발을 오른쪽으로 옮기면서 첫 번째 합성곱 층의 특성 맵을 보세요. 그다음 답을 보세요. 신발은 어디까지 옮겨도
# 괜찮을까요?

# %% [markdown] lang="en"
# ## Check yourself
#
# In all your training photos the cat sits at the lower right. The network is convolutions, `Flatten`, `Dense`. A new
# photo shows a cat at the upper left. What do the convolutions see, and what does the network answer?
#
# ??? question "Answer"
#     The convolutions find the ear there as well: the same kernels are at work in every corner. But `Flatten` gives
#     each place of the maps its own inputs, and the dense layer has never seen these inputs active. It may well
#     answer wrong. Remedies are photos with cats everywhere, [augmentation](augmentation.md), or one number a map in
#     place of `Flatten`: `GlobalAveragePooling2D`.

# %% [markdown] lang="ko"
# ## 확인 문제
#
# 훈련 사진에는 고양이가 모두 오른쪽 아래에 앉아 있습니다. 신경망은 합성곱, `Flatten`, `Dense` 순서입니다. 새 사진에는
# 고양이가 왼쪽 위에 있습니다. 합성곱 층은 무엇을 보고, 신경망은 무엇이라고 답할까요?
#
# ??? question "정답"
#     합성곱 층은 왼쪽 위에서도 고양이의 귀를 찾아냅니다. 같은 커널이 모든 구석에서 일하기 때문입니다. 하지만
#     `Flatten`은 특성 맵의 위치마다 서로 다른 입력을 만들고, 밀집층은 이 입력이 활성화된 것을 본 적이 없습니다.
#     그래서 틀리기 쉽습니다. 고양이가 여러 위치에 있는 사진을 모으거나, [데이터 증식](augmentation.md)을 쓰거나,
#     `Flatten` 대신 특성 맵마다 숫자 하나만 남기는 `GlobalAveragePooling2D`를 쓰면 됩니다.

# %% [markdown] lang="en"
# ## In the books
#
# - Deep Learning with Python, 2nd edition, section 8.1: `Dense` learns global patterns, `Conv2D` local ones.
# - Hon Gong Machine Learning + Deep Learning, section 8-1: the parts of a convolutional network.
# - 3-Minute Deep Learning with Keras, section 4.1: dense and convolutional networks compared.
#
# [The books, chapter by chapter](../books.md) has the networks of each. Next lesson: [convolution](convolution.md).

# %% [markdown] lang="ko"
# ## 책에서는
#
# - 《케라스 창시자에게 배우는 딥러닝》 2판 8.1절: `Dense`는 전역 패턴을, `Conv2D`는 지역 패턴을 학습합니다.
# - 《혼자 공부하는 머신러닝+딥러닝》 8-1절: 합성곱 신경망의 구성 요소
# - 《코딩셰프의 3분 딥러닝, 케라스맛》 4.1절: DNN과 CNN의 비교
#
# 장마다 어느 신경망이 나오는지는 [책의 장마다 따라 하기](../books.md)에 있습니다. 다음 수업은 [합성곱](convolution.md)입니다.
