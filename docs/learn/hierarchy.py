# %% [markdown] lang="en"
# # What deeper layers see
#
# One value of the first layer depends on nine pixels. One value of the last convolution depends on most of the image.
# This lesson measures that growth, and shows what it is good for.

# %% [markdown] lang="ko"
# # 깊은 층이 보는 것
#
# 첫 번째 층의 값 하나는 픽셀 아홉 개로 정해집니다. 마지막 합성곱 층의 값 하나에는 이미지의 대부분이 영향을 줍니다. 이 수업에서는
# 보는 범위가 얼마나 넓어지는지 재고, 그것이 왜 쓸모 있는지 알아봅니다.

# %% [markdown] lang="en"
# ## Receptive field: the part of the image that one value sees
#
# The *receptive field* of a value is the square of the image that it depends on. Two rules give its size, layer by
# layer:
#
# - A kernel of size k adds (k - 1) × the distance, in pixels, between neighbouring values.
# - A stride of 2, or a pool of 2, doubles that distance from there on.
#
# So a 3x3 kernel adds 2 pixels at the start, 4 after one pool, 8 after two. `zoo.arithmetic` does this sum for any
# network.

# %% [markdown] lang="ko"
# ## 수용장: 값 하나가 보는 이미지의 범위
#
# 어떤 값에 영향을 주는 이미지의 정사각형 영역을 그 값의 *수용장*(receptive field)이라고 합니다. 수용장의 크기는 두
# 가지 규칙으로 층마다 차례로 구할 수 있습니다.
#
# - 크기가 k인 커널은 이웃한 두 값 사이의 거리(픽셀)에 (k - 1)을 곱한 만큼 수용장을 넓힙니다.
# - 스트라이드가 2이거나 크기가 2인 풀링을 지나면 그 거리가 두 배가 됩니다.
#
# 그래서 3x3 커널은 처음에는 2픽셀, 풀링을 한 번 지난 뒤에는 4픽셀, 두 번 지난 뒤에는 8픽셀을 더합니다.
# `zoo.arithmetic`이 어떤 신경망이든 이 값을 계산해 줍니다.

# %%
import keras
import numpy as np

import zoo
from recipes.data.samples import fashion_mnist_7k

keras.utils.set_random_seed(7)
network = zoo.get("mnist_functional")
sees = {row.layer: row.receptive_field[0] for row in zoo.arithmetic(network).rows}
for row in zoo.arithmetic(network).rows:
    print(
        f"{row.layer:14} {'x'.join(map(str, row.output_shape)):>9}   sees {sees[row.layer]} x {sees[row.layer]} pixels"
    )

# %% [markdown] lang="en"
# This is [mnist_functional](../networks/mnist_functional.md), whose images have 28x28 pixels. Its dense layers see
# 26x26: without padding the odd last row and column are dropped by the second pool.

# %% [markdown] lang="ko"
# 28x28 이미지를 받는 [mnist_functional](../networks/mnist_functional.md)의 결과입니다.
# 밀집층이 보는 범위는 26x26입니다. 패딩이 없어서 두 번째 풀링이 홀수로 남은 마지막 행과 열을 버리기 때문입니다.

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle
from sklearn.datasets import load_sample_image

photo = load_sample_image("china.jpg")[40:264, 120:344]
deep = {
    row.layer: row.receptive_field[0]
    for row in zoo.arithmetic(zoo.get("vgg16_feature_extract", weights=None)).rows
    if row.receptive_field
}
train, test, class_names = fashion_mnist_7k()
boot = train.pixels[train.labels == class_names.index("Ankle boot")][2]


def squares(ax, image, sizes):
    ax.imshow(image, "gray")
    middle = image.shape[0] / 2 - 0.5
    for number, (name, size) in enumerate(sizes.items()):
        colour = f"C{(3, 1, 2, 0, 4)[number]}"
        ax.add_patch(
            Rectangle(
                (middle - size / 2,) * 2, size, size, fill=False, color=colour, linewidth=2, label=f"{name}: {size}"
            )
        )
    ax.set_axis_off()
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)


fig, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
squares(axes[0], boot[:, :, 0], {name: sees[name] for name in ("conv1", "conv2", "conv3")})
squares(
    axes[1],
    photo,
    {name: deep[name] for name in ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3")},
)

# %% [markdown] lang="en"
# The squares are what one value in the middle sees: left the three convolutions of mnist_functional on 28x28 pixels,
# right the last convolution of each block of VGG16 on 224x224.

# %% [markdown] lang="ko"
# 네모는 가운데에 있는 값 하나가 보는 범위입니다. 왼쪽은 28x28 이미지를 받는 mnist_functional의 합성곱 층 세 개,
# 오른쪽은 224x224 사진을 받는 VGG16의 블록마다 마지막 합성곱 층입니다.

# %% [markdown] lang="en"
# ## Why: edges, then parts, then things
#
# Nine pixels are enough for an edge, not for an eye. A second convolution looks at the maps of the first one. It can
# join edges into corners and curves. A third joins those into parts.
#
# Chollet's example is a cat: lines of the face first, then eye, nose and ear, then the whole cat. This is the
# *spatial hierarchy* of patterns, and pooling helps it along. It makes the next kernel see twice as far at no cost in
# parameters.
#
# Two things change on the way up. Maps get smaller and there are more of them. And a value says less about where
# something is, and more about what it is.

# %% [markdown] lang="ko"
# ## 왜 필요한가: 에지에서 부분으로, 부분에서 물체로
#
# 픽셀 아홉 개로 에지는 알아볼 수 있지만 눈은 알아볼 수 없습니다. 두 번째 합성곱 층은 첫 번째 층의 특성 맵을 보고 에지를
# 이어 모서리와 곡선을 찾습니다. 세 번째 층은 그것을 모아 물체의 부분을 찾습니다.
#
# 숄레는 고양이를 예로 듭니다. 처음에는 얼굴의 선, 다음에는 눈과 코와 귀, 마지막에는 고양이입니다. 이것을 패턴의
# *공간적 계층 구조*라고 합니다. 풀링은 파라미터를 하나도 늘리지 않고 다음 커널이 두 배 넓게 보도록 해 줍니다.
#
# 위로 올라갈수록 두 가지가 달라집니다. 특성 맵은 작아지고 개수는 많아집니다. 그리고 값 하나는 '어디에 있는지'보다
# '무엇인지'를 더 많이 말해 줍니다.

# %% [markdown] lang="en"
# ## Try it: inside a network
#
# <div class="widget" data-widget="network" markdown="0"><p>A trained fashion_cnn with its feature maps. Pointing at a
# value of a map marks the pixels of the image that it sees.</p></div>
#
# Point at a value of the first layer, then of the second. Drag the shoe sideways and watch which maps move along.

# %% [markdown] lang="ko"
# ## 해 보기: 신경망 속 들여다보기
#
# <div class="widget" data-widget="network" markdown="0"><p>훈련한 fashion_cnn의 특성 맵입니다. 특성 맵의 값 하나를
# 가리키면 그 값이 보는 이미지의 픽셀이 표시됩니다.</p></div>
#
# 첫 번째 층의 값을 가리켜 보고, 두 번째 층의 값도 가리켜 보세요. 신발을 옆으로 끌면서 어느 특성 맵이 함께
# 움직이는지도 살펴보세요.

# %% [markdown] lang="en"
# ## Feature maps, layer by layer
#
# The network is trained for a moment on bundled pictures of clothes. Then it looks at one boot, and each convolution
# shows the maps that answer most.

# %% [markdown] lang="ko"
# ## 층마다 달라지는 특성 맵
#
# 패키지에 들어 있는 옷 그림으로 신경망을 잠깐 훈련합니다. 그런 다음 부츠 그림 하나를 보여 주고, 합성곱 층마다 크게
# 반응하는 특성 맵을 그립니다.

# %%
network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
network.fit(train.pixels[:3200], train.labels[:3200], batch_size=64, epochs=2, verbose=0)
print(f"accuracy {network.evaluate(test.pixels, test.labels, verbose=0)[1]:.2f}")

names = ("conv1", "conv2", "conv3")
looking = keras.Model(network.input, [network.get_layer(name).output for name in names])
maps = dict(zip(names, looking.predict(boot[None], verbose=0), strict=True))
for name in names:
    print(name, maps[name].shape[1:], f"zeros: {100 * (maps[name] == 0).mean():.0f}%")

# %% tags=["hide-input"]
fig, axes = plt.subplots(3, 8, figsize=(9, 3.6), layout="constrained")
for row, name in enumerate(names):
    strongest = np.argsort(-maps[name][0].mean(axis=(0, 1)))[:8]
    for ax, number in zip(axes[row], strongest, strict=True):
        ax.imshow(maps[name][0, :, :, number], "viridis")
        ax.set_xticks([])
        ax.set_yticks([])
    axes[row, 0].set_ylabel(name)

# %% [markdown] lang="en"
# Eight maps of each convolution, the strongest first. In `conv1` the boot is still to be seen. In `conv3` nine values
# are left of each map: they say that something is there, and hardly show what it looked like.

# %% [markdown] lang="ko"
# 합성곱 층마다 가장 크게 반응한 특성 맵 여덟 개입니다. `conv1`에서는 아직 부츠가 보입니다. `conv3`의 특성 맵에는 값이
# 아홉 개만 남습니다. 무언가가 있다는 것은 말해 주지만 그 모습은 거의 보여 주지 않습니다.

# %% [markdown] lang="en"
# ## The windows that excite a filter most
#
# What does a filter look for? Show it 1,000 test images and keep the windows at which it answers most. Each window is
# as large as the receptive field of its layer.

# %% [markdown] lang="ko"
# ## 필터를 가장 크게 반응시키는 창
#
# 필터는 무엇을 찾고 있을까요? 테스트 이미지 1,000장을 보여 주고 가장 크게 반응한 자리를 모아 봅니다. 잘라 낸 창의
# 크기는 그 층의 수용장과 같습니다.

# %%
steps = {"conv1": 1, "conv2": 2, "conv3": 4}
answers = dict(zip(names, looking.predict(test.pixels, verbose=0), strict=True))


def best_windows(name, number, count=8):
    found = answers[name][..., number]
    best_images = np.argsort(-found.max(axis=(1, 2)))[:count]
    for image in best_images:
        top, left = (steps[name] * place for place in np.unravel_index(found[image].argmax(), found[image].shape))
        yield test.pixels[image, top : top + sees[name], left : left + sees[name], 0]


# %% tags=["hide-input"]
fig, axes = plt.subplots(3, 8, figsize=(9, 3.6), layout="constrained")
for row, name in enumerate(names):
    # A filter that answers much more to some images than to most, and whose eight windows look alike.
    peaks = answers[name].max(axis=(1, 2))
    choosy = peaks.max(axis=0) / (peaks.mean(axis=0) + 0.2 * peaks.max())
    alike = [np.mean(list(best_windows(name, number)), axis=0).std() for number in range(len(choosy))]
    number = int((choosy * alike).argmax())
    for ax, window in zip(axes[row], best_windows(name, number), strict=True):
        ax.imshow(window, "gray", vmin=0, vmax=255)
        ax.set_xticks([])
        ax.set_yticks([])
    axes[row, 0].set_ylabel(f"{name}\n{sees[name]} x {sees[name]}")

# %% [markdown] lang="en"
# One filter of each layer, and eight windows that excite it. The first layer answers to a step in brightness, the
# second to a piece of outline. The third has found a part of a thing: the two legs of trousers.

# %% [markdown] lang="ko"
# 층마다 필터 하나를 골라 가장 크게 반응한 창 여덟 개를 그렸습니다. 첫 번째 층은 밝기가 바뀌는 곳에, 두 번째 층은
# 윤곽의 한 조각에 반응합니다. 세 번째 층은 물체의 한 부분, 바지의 두 다리를 찾아냈습니다.

# %% [markdown] lang="en"
# ## Check yourself
#
# Two 3x3 convolutions on top of each other see 5x5 pixels. Why does VGG16 use two of them and not one convolution of
# 5x5? Count the weights for 64 channels in and out.
#
# ??? question "Answer"
#     2 × 3 × 3 × 64 × 64 = 73,728 weights in place of 5 × 5 × 64 × 64 = 102,400. They see equally far, with 28% fewer
#     weights. There is also a second ReLU between them, so the two can do what one alone cannot.

# %% [markdown] lang="ko"
# ## 확인 문제
#
# 3x3 합성곱 층을 두 개 쌓으면 5x5 픽셀을 봅니다. VGG16은 왜 5x5 합성곱 하나 대신 3x3 두 개를 썼을까요? 입력과 출력
# 채널이 모두 64개일 때 가중치를 세어 보세요.
#
# ??? question "정답"
#     5 × 5 × 64 × 64 = 102,400개 대신 2 × 3 × 3 × 64 × 64 = 73,728개면 됩니다. 보는 범위는 같은데 가중치는 28%
#     적습니다. 게다가 사이에 렐루가 하나 더 들어가므로 합성곱 하나로는 할 수 없는 계산도 할 수 있습니다.

# %% [markdown] lang="en"
# ## In the books
#
# - Deep Learning with Python, 2nd edition, section 8.1.1: spatial hierarchies of patterns.
# - Hon Gong Machine Learning + Deep Learning, section 8-3: feature maps of a trained network.
# - Learning deep learning by making it alone, section 2-1: the blocks of VGG16.
#
# On a run of your own: `--features` and `--filters` in [See what it learned](../explain.md). Next lesson:
# [overfitting and dropout](overfitting_and_dropout.md).

# %% [markdown] lang="ko"
# ## 책에서는
#
# - 《케라스 창시자에게 배우는 딥러닝》 2판 8.1.1절: 패턴의 공간적 계층 구조
# - 《혼자 공부하는 머신러닝+딥러닝》 8-3절: 훈련한 신경망의 특성 맵
# - 《혼자 만들면서 공부하는 딥러닝》 2-1절: VGG16의 블록
#
# 직접 훈련한 신경망은 [신경망 설명하기](../explain.md)의 `--features`와 `--filters`로 들여다볼 수
# 있습니다. 다음 수업은 [과대적합과 드롭아웃](overfitting_and_dropout.md)입니다.
