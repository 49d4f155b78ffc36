# %% [markdown] lang="en"
# # Convolution, kernel, feature map, channels
#
# A convolution layer is the working part of a network for pictures. Its calculation is so simple that you can do it
# on paper: multiply, add up, move on. This lesson does it by hand and then lets Keras check the result.

# %% [markdown] lang="ko"
# # 합성곱, 커널, 특성 맵, 채널
#
# 합성곱 층은 이미지를 다루는 신경망에서 실제로 일하는 부분입니다. 계산은 종이에 직접 해 볼 수 있을 만큼 간단합니다. 곱하고, 더하고,
# 한 칸 옮기면 됩니다. 이 수업에서는 손으로 계산한 값을 케라스의 결과와 비교해 봅니다.

# %% [markdown] lang="en"
# ## Convolution: multiply, add up, move on
#
# Take a window of 3 × 3 pixels and nine weights. Multiply each pixel with the weight that lies on it, add the nine
# products, and add one more number, the **bias**. The result is one number. Then move the window by one pixel and do
# the same again.
#
# Think of a stamp: it is pressed on every place of the picture and leaves a strong print only where the picture fits
# the stamp.

# %% [markdown] lang="ko"
# ## 합성곱: 곱하고, 더하고, 옮기기
#
# 3 × 3 픽셀의 창과 가중치 아홉 개가 있습니다. 픽셀마다 그 위에 놓인 가중치를 곱하고, 곱한 값 아홉 개를 모두 더한
# 다음, 숫자 하나를 또 더합니다. 이 숫자가 **편향**(bias)입니다. 결과는 숫자 하나입니다. 그다음 창을 한 픽셀 옮겨 같은
# 계산을 되풀이합니다.
#
# 도장을 떠올려 보세요. 이미지의 모든 위치에 도장을 찍되, 이미지가 도장과 잘 맞는 곳에서만 진하게 찍힙니다.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from sklearn.datasets import load_sample_image

import zoo
from recipes.data.samples import FASHION_CLASSES, fashion_mnist_7k

_, test, _ = fashion_mnist_7k()
boot = test.pixels[test.labels == FASHION_CLASSES.index("Ankle boot")][0, ..., 0].astype("float32")

kernel = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]], "float32")
bias = 10.0
row, column = 8, 15
window = boot[row : row + 3, column : column + 3]
products = window * kernel + 0.0
print(products)
print("sum of the products:", products.sum(), "  with the bias:", products.sum() + bias)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 4, figsize=(9.5, 2.6), layout="constrained")
axes[0].imshow(boot, cmap="gray")
axes[0].add_patch(Rectangle((column - 0.5, row - 0.5), 3, 3, fill=False, edgecolor="#e8590c", linewidth=2))
steps = {
    "pixels": (window, "gray", 0, 255),
    "kernel": (kernel, "RdBu_r", -3, 3),
    "products": (products, "RdBu_r", -500, 500),
}
for axis, (name, (numbers, colours, low, high)) in zip(axes[1:], steps.items(), strict=True):
    axis.imshow(numbers, cmap=colours, vmin=low, vmax=high)
    axis.set_title(name, fontsize=10)
    for (line, place), number in np.ndenumerate(numbers):
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.5}
        axis.text(place, line, f"{number:.0f}", ha="center", va="center", fontsize=10, color="black", bbox=box)
for axis in axes:
    axis.axis("off")

# %% [markdown] lang="en"
# A boot with a window of 3 × 3 pixels at the edge of its shaft, the nine pixels, the nine weights and the nine
# products. The window is dark at the left and bright at the right, the opposite of the kernel, so the sum is far
# below zero.

# %% [markdown] lang="ko"
# 부츠 이미지와 목 부분 가장자리에 놓인 3 × 3 창, 창 안의 픽셀 아홉 개, 가중치 아홉 개, 곱한 값 아홉 개입니다. 창은
# 왼쪽이 어둡고 오른쪽이 밝아서 커널과 반대입니다. 그래서 합이 0보다 훨씬 작습니다.

# %% [markdown] lang="en"
# ## Kernel: the weights that slide
#
# The nine weights together are called **kernel**, **filter** or mask. In a neural network nobody writes them by hand:
# training finds them. Kernels of 3 × 3 are the most common, then 5 × 5. Odd sizes have a middle, so the window lies
# evenly around a pixel.
#
# What a kernel answers to follows from its weights. Positive weights look for brightness, negative ones for darkness.
# If the weights add up to zero, the kernel is silent on any even surface.

# %% [markdown] lang="ko"
# ## 커널: 미끄러지는 가중치
#
# 가중치 아홉 개를 묶어서 **커널**(kernel), **필터**(filter) 또는 마스크라고 부릅니다. 신경망에서는 이 값을 사람이
# 정하지 않고 훈련으로 찾습니다. 3 × 3 커널을 가장 많이 쓰고 5 × 5도 자주 씁니다. 크기를 홀수로 하면 가운데가 생겨서 창이
# 픽셀을 중심으로 고르게 놓입니다.
#
# 커널이 무엇에 반응하는지는 가중치가 정합니다. 양수 가중치는 밝은 곳을, 음수 가중치는 어두운 곳을 찾습니다. 가중치의
# 합이 0이면 밝기가 고른 곳에서는 아무 반응이 없습니다.

# %%
from zoo.filters import convolve2d

kernels = {
    "vertical edges": kernel,
    "horizontal edges": kernel.T,
    "mean": np.full((3, 3), 1 / 9),
    "one bright point": np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
}
maps = {name: convolve2d(boot, weights) for name, weights in kernels.items()}
for name, values in maps.items():
    print(f"{name:18}{boot.shape} -> {values.shape}   from {values.min():7.1f} to {values.max():7.1f}")

# %% [markdown] lang="en"
# ## Feature map: all results in their places
#
# Each result is written down at the place of its window. All of them together are a picture again: the **feature
# map**. Where it is high, the picture resembles the kernel.

# %% [markdown] lang="ko"
# ## 특성 맵: 제자리에 모은 결과
#
# 계산한 결과를 창이 있던 자리에 적어 나갑니다. 이 값을 모두 모으면 다시 그림이 되는데, 이것을 **특성 맵**(feature
# map)이라고 합니다. 값이 큰 곳은 이미지가 커널과 닮은 곳입니다.

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 5, figsize=(10, 2.4), layout="constrained")
axes[0].imshow(boot, cmap="gray")
for axis, (name, values) in zip(axes[1:], maps.items(), strict=True):
    limit = np.abs(values).max()
    axis.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit)
    axis.set_title(name, fontsize=10)
for axis in axes:
    axis.axis("off")

# %% [markdown] lang="en"
# The boot and its feature maps with four kernels; red is above zero, blue below. The first two answer to edges of one
# direction, the third only blurs, the fourth answers to fine detail.
#
# A window of 3 pixels has 26 places in a row of 28. So the map is a little smaller than the picture; [the next
# lesson](stride_and_padding.md) deals with that.

# %% [markdown] lang="ko"
# 부츠와, 커널 네 개로 만든 특성 맵입니다. 빨간색은 0보다 큰 값, 파란색은 0보다 작은 값입니다. 앞의 두 커널은 한
# 방향의 에지에 반응하고, 세 번째는 흐리게 만들 뿐이고, 네 번째는 작은 무늬에 반응합니다.
#
# 너비가 3픽셀인 창을 28픽셀 위에서 옮기면 놓을 자리가 26개입니다. 그래서 특성 맵은 이미지보다 조금 작습니다. 이 내용은 [다음
# 수업](stride_and_padding.md)에서 다룹니다.

# %% [markdown] lang="en"
# ## Channels: depth in and depth out
#
# A grey picture has one channel: its shape is (height, width, 1). A colour photo has three: (height, width, 3). A
# kernel always reaches through **all** input channels. Over a colour photo a 3 × 3 kernel has 3 × 3 × 3 = 27 weights,
# and the 27 products become one number.
#
# One kernel gives one feature map. A layer has many kernels, and its maps lie on each other like the colours of a
# photo: they are the **channels** of the output. `Conv2D(32, 3)` has 32 kernels, so its output has 32 channels. They
# no longer stand for colours but for patterns.
#
# Each kernel has exactly one bias. It is added at every place of its map.

# %% [markdown] lang="ko"
# ## 채널: 입력의 깊이와 출력의 깊이
#
# 흑백 이미지는 채널이 하나이고 크기는 (높이, 너비, 1)입니다. 컬러 사진은 채널이 셋이므로 (높이, 너비, 3)입니다.
# 커널은 언제나 입력의 **모든** 채널을 한꺼번에 봅니다. 컬러 사진에 쓰는 3 × 3 커널에는 가중치가 3 × 3 × 3 = 27개
# 있고, 곱한 값 27개를 더해 숫자 하나를 만듭니다.
#
# 커널 하나가 특성 맵 하나를 만듭니다. 합성곱 층에는 커널이 여러 개 있고, 특성 맵은 사진의 색처럼 겹겹이 쌓입니다.
# 이것이 출력의 **채널**입니다. `Conv2D(32, 3)`은 커널이 32개이므로 출력의 채널도 32개입니다. 이 채널은 더 이상 색이
# 아니라 패턴을 나타냅니다.
#
# 편향은 커널마다 딱 하나입니다. 특성 맵의 모든 자리에 똑같은 값을 더합니다.

# %%
photo = load_sample_image("china.jpg")[60:88, 200:228].astype("float32") / 255

keras.utils.set_random_seed(0)
layer = keras.layers.Conv2D(32, 3, bias_initializer="random_normal")
output = np.asarray(layer(photo[None]))[0]
weights, biases = layer.get_weights()
print("photo  ", photo.shape)
print("kernels", weights.shape, "  (height, width, input channels, filters)")
print("biases ", biases.shape)
print("output ", output.shape)

by_hand = np.zeros_like(output)
for row in range(26):
    for column in range(26):
        window = photo[row : row + 3, column : column + 3]
        for place in range(32):
            by_hand[row, column, place] = (window * weights[..., place]).sum() + biases[place]
print(f"largest difference from Keras: {np.abs(by_hand - output).max():.0e}")

# %% [markdown] lang="en"
# Four loops do the same as `Conv2D`. Only rounding differs.
#
# The next layer works in the same way on 32 channels in place of 3. `zoo.arithmetic` shows it for two real networks:
# input shape, the shape of the kernels and biases, output shape.

# %% [markdown] lang="ko"
# 반복문 몇 줄이 `Conv2D`와 같은 일을 합니다. 차이는 반올림 오차뿐입니다.
#
# 다음 층은 채널 3개 대신 32개를 받을 뿐 똑같이 계산합니다. 실제 신경망 두 개에서 입력 크기, 커널과 편향의 크기, 출력
# 크기를 `zoo.arithmetic`으로 확인해 보겠습니다.


# %%
def shape(sizes):
    return " x ".join(map(str, sizes))


for name in ("mnist_functional", "fashion_cnn"):
    network = zoo.get(name, weights=None)
    print(name)
    for row in zoo.arithmetic(network).rows:
        if row.type == "Conv2D":
            entering = network.get_layer(row.layer).input.shape[1:]
            print(f"  {shape(entering):>13} -> {shape(row.output_shape):>13}   {row.formula}")

# %% [markdown] lang="en"
# The last number of the input is always the third number of the kernel, and the fourth number of the kernel is always
# the last of the output.

# %% [markdown] lang="ko"
# 입력 크기의 마지막 숫자는 언제나 커널 크기의 세 번째 숫자와 같고, 커널 크기의 네 번째 숫자는 언제나 출력 크기의
# 마지막 숫자와 같습니다.

# %% [markdown] lang="en"
# ## Try it: slide a kernel
#
# <div class="widget" data-widget="kernel" markdown="0"><p>A kernel of nine weights slides over a small picture. The
# nine products, their sum and the feature map are shown for the place where it stands.</p></div>
#
# Choose the vertical edges, then change the sign of all nine weights. What happens to the feature map? Then add a
# bias.

# %% [markdown] lang="ko"
# ## 해 보기: 커널 옮기기
#
# <div class="widget" data-widget="kernel" markdown="0"><p>가중치 아홉 개로 된 커널이 작은 그림 위를 움직입니다. 지금
# 위치에서 곱한 값 아홉 개와 그 합, 특성 맵이 나옵니다.</p></div>
#
# 세로 에지 커널을 고른 다음 가중치 아홉 개의 부호를 모두 바꿔 보세요. 특성 맵은 어떻게 바뀌나요? 편향도 더해
# 보세요.

# %% [markdown] lang="en"
# ## Try it: inside a trained network
#
# <div class="widget" data-widget="network" markdown="0"><p>A picture of clothing runs through a trained network with
# two convolutions. Each feature map can be looked at, with the part of the picture that one value depends
# on.</p></div>
#
# This is [fashion_cnn](../networks/fashion_cnn.md): 32 maps after the first convolution, 64 after the second. Compare
# a value of the first layer with one of the second: how much of the picture does each depend on?

# %% [markdown] lang="ko"
# ## 해 보기: 훈련된 신경망의 안쪽
#
# <div class="widget" data-widget="network" markdown="0"><p>옷 이미지가 합성곱 층이 두 개인 훈련된 신경망을
# 지나갑니다. 특성 맵을 하나씩 볼 수 있고, 값 하나가 이미지의 어느 부분에서 왔는지도 볼 수 있습니다.</p></div>
#
# 이 신경망은 [fashion_cnn](../networks/fashion_cnn.md)입니다. 첫 번째 합성곱 층의 특성 맵은 32개, 두 번째는
# 64개입니다. 첫 번째 층의 값과 두 번째 층의 값을 비교해 보세요. 값 하나가 이미지를 얼마나 넓게 보나요?

# %% [markdown] lang="en"
# ## Check yourself
#
# A kernel has nine weights of 1/9, and no bias. It lies on the pixels 3, 6, 6 / 3, 4, 3 / 5, 7, 7. What is the
# result? And what does this kernel do to a picture?
#
# ??? question "Answer"
#     The pixels add up to 44, and 44 / 9 = 4.89: the mean of the nine pixels. The kernel replaces each pixel by the
#     mean of its surroundings, so it blurs the picture.

# %% [markdown] lang="ko"
# ## 확인 문제
#
# 가중치 아홉 개가 모두 1/9이고 편향이 없는 커널이 있습니다. 이 커널을 픽셀 3, 6, 6 / 3, 4, 3 / 5, 7, 7 위에 놓으면
# 결과는 얼마일까요? 이 커널은 이미지를 어떻게 바꿀까요?
#
# ??? question "정답"
#     픽셀을 모두 더하면 44이고 44 / 9 = 4.89입니다. 픽셀 아홉 개의 평균입니다. 픽셀을 주변의 평균으로 바꾸므로
#     이미지가 흐려집니다.

# %% [markdown] lang="en"
# ## In the books
#
# - Deep Learning with Python, 2nd edition, section 8.1: feature maps as tensors of rank 3, and the two key numbers of
#   a convolution.
# - Hon Gong Machine Learning + Deep Learning, section 8-1: the convolution as a stamp; section 8-2: fashion_cnn.
# - 3-Minute Deep Learning with Keras, section 4.1: how a convolutional network works.
#
# [The books, chapter by chapter](../books.md) has the networks of each. Next lesson: [stride and
# padding](stride_and_padding.md).

# %% [markdown] lang="ko"
# ## 책에서는
#
# - 《케라스 창시자에게 배우는 딥러닝》 2판 8.1절: 랭크-3 텐서인 특성 맵과 합성곱의 핵심 파라미터 두 개
# - 《혼자 공부하는 머신러닝+딥러닝》 8-1절: 도장에 비유한 합성곱, 8-2절: fashion_cnn
# - 《코딩셰프의 3분 딥러닝, 케라스맛》 4.1절: CNN의 원리
#
# 장마다 어느 신경망이 나오는지는 [책의 장마다 따라 하기](../books.md)에 있습니다. 다음 수업은 [스트라이드와
# 패딩](stride_and_padding.md)입니다.
