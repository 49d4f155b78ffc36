# %% [markdown] lang="en"
# # Filters: made by hand, and learned
#
# Before networks learned, people wrote image filters by hand. A convolution layer does the same sum with numbers that
# training finds. This lesson shows both, on the same picture.

# %% [markdown] lang="ko"
# # 필터: 손으로 만든 것과 학습한 것
#
# 신경망이 학습하기 전에는 사람이 이미지 필터를 손으로 만들었습니다. 합성곱 층도 똑같은 계산을 하지만, 필터의 숫자를
# 훈련으로 찾습니다. 이 수업에서는 같은 그림에 두 가지를 모두 적용해 봅니다.

# %% [markdown] lang="en"
# ## The Sobel filter: nine numbers that find edges
#
# A filter is a small table of numbers. Lay it over a window of the image, multiply number by number, and add up the
# nine products: that is one pixel of the result. Then move on by one.
#
# The Sobel filters are the usual example. One answers where it is bright above and dark below, the other where it is
# bright on the left and dark on the right. Their numbers add up to zero, so on an even area the answer is 0.
#
# Of `n` pixels a filter of `f` leaves `(n - f) / s + 1`, where `s` is the stride: here (28 - 3) / 1 + 1 = 26.

# %% [markdown] lang="ko"
# ## 소벨 필터: 에지를 찾는 숫자 아홉 개
#
# 필터는 작은 숫자 표입니다. 필터를 이미지의 창 하나에 겹쳐 놓고 같은 자리의 숫자끼리 곱한 다음, 곱 아홉 개를 모두 더합니다. 그
# 값이 결과의 픽셀 하나입니다. 그리고 한 칸 옆으로 옮깁니다.
#
# 가장 많이 드는 예가 소벨 필터(Sobel filter)입니다. 하나는 위가 밝고 아래가 어두운 곳에, 다른 하나는 왼쪽이 밝고
# 오른쪽이 어두운 곳에 크게 반응합니다. 숫자를 모두 더하면 0이므로 밝기가 고른 곳에서는 결과가 0입니다.
#
# 픽셀 `n`개에 크기가 `f`인 필터를 스트라이드 `s`로 적용하면 `(n - f) / s + 1`개가 남습니다. 여기서는
# `(28 - 3) / 1 + 1`, 곧 26입니다.

# %%
import numpy as np

from recipes.data.samples import fashion_mnist_7k
from zoo import filters

train, test, class_names = fashion_mnist_7k()
boot = train.pixels[train.labels == class_names.index("Ankle boot")][2, :, :, 0]
edges = filters.sobel(boot)

print("horizontal", *filters.SOBEL_HORIZONTAL.astype(int).tolist())
print("vertical  ", *filters.SOBEL_VERTICAL.astype(int).tolist())
print("image", boot.shape, "-> edges", edges.magnitude.shape)

row, column = np.unravel_index(edges.horizontal.argmax(), edges.horizontal.shape)
window = boot[row : row + 3, column : column + 3].astype(int)
total = (window * filters.SOBEL_HORIZONTAL.astype(int)).sum()
print("window", *window.tolist(), f"at ({row}, {column}): sum of the nine products {total}")

# %% tags=["hide-input"]
import matplotlib.pyplot as plt

fig, axes = plt.subplots(1, 4, figsize=(9, 2.6), layout="constrained")
limit = np.abs(edges[:2]).max()
axes[0].imshow(boot, "gray")
for ax, map_, name in zip(axes[1:3], edges[:2], ("horizontal", "vertical"), strict=True):
    ax.imshow(map_, "RdBu_r", vmin=-limit, vmax=limit)
    ax.set_title(name)
axes[3].imshow(edges.magnitude, "gray")
axes[0].set_title("28 x 28")
axes[3].set_title("magnitude, 26 x 26")
for ax in axes:
    ax.set_axis_off()

# %% [markdown] lang="en"
# An ankle boot, the answers of the two Sobel filters, and both together. Red is positive, blue negative, white is
# zero: the horizontal filter sees the sole and the rim, the vertical one the heel and the front of the shaft.

# %% [markdown] lang="ko"
# 왼쪽부터 앵클 부츠, 두 소벨 필터의 결과, 둘을 합친 크기입니다. 빨간색은 양수, 파란색은 음수, 흰색은 0입니다. 가로 에지 필터는
# 밑창과 부츠 입구에, 세로 에지 필터는 뒤축과 부츠 앞쪽에 반응합니다.

# %% [markdown] lang="en"
# ## Why filters are learned
#
# The Sobel filters were thought out for edges. But which filters tell a shirt from a coat? Nobody knows them
# beforehand, and deeper layers would need thousands of them.
#
# A convolution layer begins with random numbers and lets training change them. What it keeps from the work by hand is
# the window and the sum: only the nine numbers are new. In Keras the sum is the same to the last digit:

# %% [markdown] lang="ko"
# ## 필터를 학습하는 이유
#
# 소벨 필터는 에지(edge, 밝기가 갑자기 바뀌는 가장자리)를 찾으려고 사람이 만든 필터입니다. 그렇다면 셔츠와 코트를 구별하는 필터는 어떤 숫자일까요?
# 미리 아는 사람은 없고, 깊은 층에는 이런 필터가 수천 개나 필요합니다.
#
# 합성곱 층은 무작위 숫자에서 시작해 훈련으로 필터를 바꾸어 갑니다. 창을 옮기며 곱해서 더하는 계산은 그대로이고, 숫자
# 아홉 개만 새로 찾습니다. 케라스의 합성곱 층에 소벨 필터를 넣으면 결과가 똑같습니다.

# %%
from keras import layers

layer = layers.Conv2D(1, 3, use_bias=False)
layer.build((None, 28, 28, 1))
layer.set_weights([filters.SOBEL_VERTICAL.reshape(3, 3, 1, 1)])
by_keras = layer(boot[None, :, :, None].astype("float32"))
print("largest difference:", float(np.abs(np.asarray(by_keras)[0, :, :, 0] - edges.vertical).max()))

# %% [markdown] lang="en"
# ## Try it: slide a filter
#
# <div class="widget" data-widget="kernel" markdown="0"><p>A filter of nine numbers slides over a picture; the nine
# products and their sum are shown at each place. The numbers can be changed.</p></div>
#
# Put in the Sobel filters first. Then try nine times 1/9, which blurs, and a single 1 in the middle, which changes
# nothing.

# %% [markdown] lang="ko"
# ## 해 보기: 필터 옮기기
#
# <div class="widget" data-widget="kernel" markdown="0"><p>숫자 아홉 개로 된 필터가 그림 위를 움직이고, 자리마다 곱
# 아홉 개와 그 합을 보여 줍니다. 필터의 숫자를 바꿀 수 있습니다.</p></div>
#
# 먼저 소벨 필터를 넣어 보세요. 그다음 아홉 칸을 모두 1/9로 하면 그림이 흐려지고, 가운데만 1로 하면 아무것도 바뀌지
# 않습니다.

# %% [markdown] lang="en"
# ## Learned filters: before and after a few steps
#
# Now [fashion_cnn](../networks/fashion_cnn.md) is trained for 50 steps on bundled images. That is far too short for a
# good network, but long enough for the filters of the first layer to move.

# %% [markdown] lang="ko"
# ## 학습한 필터: 몇 스텝 훈련하기 전과 후
#
# 이제 패키지에 들어 있는 이미지로 [fashion_cnn](../networks/fashion_cnn.md)을 50스텝만 훈련합니다. 좋은 신경망이
# 되기에는 너무 짧지만, 첫 번째 층의 필터가 달라지기에는 충분합니다.

# %%
import keras

import zoo

keras.utils.set_random_seed(7)
network = zoo.get("fashion_cnn")
first_layer = network.get_layer("conv1")
before = first_layer.get_weights()[0]

network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
print(f"before: accuracy {network.evaluate(test.pixels[:500], test.labels[:500], verbose=0)[1]:.2f}")
network.fit(train.pixels[:3200], train.labels[:3200], batch_size=64, epochs=1, verbose=0)
print(f"after:  accuracy {network.evaluate(test.pixels[:500], test.labels[:500], verbose=0)[1]:.2f}")

after = first_layer.get_weights()[0]
moved = np.abs(after - before).mean(axis=(0, 1, 2))
print(f"a weight moved by {moved.mean():.3f} on average; weights began with a spread of {before.std():.3f}")

# %% tags=["hide-input"]
most = np.argsort(-moved)[:8]
feature_maps = keras.Model(network.input, first_layer.output).predict(boot[None, :, :, None], verbose=0)[0]
limit = max(np.abs(before).max(), np.abs(after).max())

fig, axes = plt.subplots(3, 8, figsize=(9, 3.5), layout="constrained")
for column, number in enumerate(most):
    for ax, values in zip(axes[:2, column], (before, after), strict=True):
        ax.imshow(values[:, :, 0, number], "RdBu_r", vmin=-limit, vmax=limit)
    axes[2, column].imshow(feature_maps[:, :, number], "gray")
    axes[0, column].set_title(f"{number}")
for ax in axes.flat:
    ax.set_xticks([])
    ax.set_yticks([])
for row, name in enumerate(("before", "after", "map")):
    axes[row, 0].set_ylabel(name)

# %% [markdown] lang="en"
# The eight filters that moved most: before training, after it, and the feature map each makes of the boot. Red
# weights add, blue ones subtract. Filters that are red on one side and blue on the other answer to edges, as Sobel
# does; nobody told them to.

# %% [markdown] lang="ko"
# 가장 많이 바뀐 필터 여덟 개입니다. 위에서부터 훈련 전, 훈련 후, 그 필터가 부츠 그림에서 만든 특성 맵입니다. 빨간색
# 가중치는 더하고 파란색은 뺍니다. 한쪽이 빨갛고 다른 쪽이 파란 필터는 소벨 필터처럼 에지에 반응합니다. 아무도
# 그렇게 하라고 시키지 않았습니다.

# %% [markdown] lang="en"
# ## Check yourself
#
# The Sobel filter has nine numbers that add up to 0. What does a filter give on an even area, when its nine numbers
# add up to 1? And why does a learned filter need a bias, while Sobel has none?
#
# ??? question "Answer"
#     On an even area it gives the same brightness back: every pixel is the same, so the sum is that pixel times 1.
#     The bias shifts the whole map. With ReLU behind it, it decides from which strength on an edge counts.

# %% [markdown] lang="ko"
# ## 확인 문제
#
# 소벨 필터의 숫자 아홉 개를 더하면 0입니다. 더해서 1이 되는 필터는 밝기가 고른 곳에서 어떤 값을 낼까요? 그리고 소벨
# 필터에는 편향이 없는데 학습하는 필터에는 왜 편향이 있을까요?
#
# ??? question "정답"
#     밝기가 고른 곳에서는 원래 밝기가 그대로 나옵니다. 픽셀이 모두 같으므로 합은 그 픽셀에 1을 곱한 값입니다. 편향은
#     특성 맵 전체를 올리거나 내립니다. 뒤에 렐루가 있으면 어느 정도 세기부터 에지로 칠지를 편향이 정합니다.

# %% [markdown] lang="en"
# ## In the books
#
# - Lecture notes on convolutional networks (2022), "image filters": the Sobel filters on Fashion-MNIST, written with
#   two loops.
# - Hon Gong Machine Learning + Deep Learning, section 8-3, draws the weights of a trained first layer.
# - Deep Learning with Python, 2nd edition, section 8.1.1: the convolution operation.
#
# On a run of your own, `python -m recipes.explain` draws them: [See what it learned](../explain.md). Next lesson:
# [what deeper layers see](hierarchy.md).

# %% [markdown] lang="ko"
# ## 책에서는
#
# - 컨볼루션 신경망 강의 노트(2022)의 "이미지 필터 사용해보기": 패션 MNIST 이미지에 반복문 두 개로 소벨 필터를
#   적용합니다.
# - 《혼자 공부하는 머신러닝+딥러닝》 8-3절: 훈련한 첫 번째 층의 가중치를 그림으로 그립니다.
# - 《케라스 창시자에게 배우는 딥러닝》 2판 8.1.1절: 합성곱 연산
#
# 직접 훈련한 신경망의 필터는 `python -m recipes.explain`으로 그릴 수 있습니다. [신경망 설명하기](../explain.md)에 방법이 있습니다. 다음 수업은 [깊은 층이 보는 것](hierarchy.md)입니다.
