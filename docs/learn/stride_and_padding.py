# %% [markdown] lang="en"
# # Stride, padding and the size of the output
#
# How large is the feature map? Three numbers decide it: the size of the kernel, its stride and the padding. After
# this lesson you can work out every size that `model.summary()` prints.

# %% [markdown] lang="ko"
# # 스트라이드, 패딩, 출력 크기
#
# 특성 맵의 크기는 얼마일까요? 커널 크기, 스트라이드, 패딩이라는 세 숫자가 정합니다. 이 수업을 마치면
# `model.summary()`에 나오는 크기를 모두 직접 계산할 수 있습니다.

# %% [markdown] lang="en"
# ## Padding: zeros around the picture
#
# A kernel of 3 × 3 must lie wholly inside the picture. Its middle can therefore never stand on the outermost row of
# pixels, and the feature map loses two rows and two columns. This is **valid** padding: only real pixels count. It is
# what Keras does if you say nothing.
#
# With **same** padding, rows and columns of zeros are laid around the picture. Now the kernel's middle reaches each
# pixel, and the feature map is as large as the picture.

# %% [markdown] lang="ko"
# ## 패딩: 이미지를 둘러싼 0
#
# 3 × 3 커널은 이미지 안에 온전히 놓여야 합니다. 그래서 커널의 가운데는 맨 바깥쪽 픽셀에 올 수 없고, 특성 맵은 두 행과
# 두 열이 줄어듭니다. 이것이 **밸리드 패딩**(valid padding)입니다. 진짜 픽셀만 사용하는 방식이며, 따로 지정하지 않으면
# 케라스는 이렇게 계산합니다.
#
# **세임 패딩**(same padding)은 이미지 둘레에 0으로 채운 행과 열을 덧붙입니다. 이제 커널의 가운데가 모든 픽셀에 올 수
# 있고, 특성 맵은 이미지와 크기가 같아집니다.

# %%
from itertools import product
from math import ceil

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

import zoo


def convolved(picture, size=3, stride=1, padding="valid"):
    """The sum of each window: a convolution with all weights 1."""
    weights = np.ones((size, size, 1, 1), "float32")
    return np.asarray(keras.ops.conv(picture[None, ..., None], weights, stride, padding))[0, ..., 0]


picture = np.ones((6, 6), "float32")
for padding in ("valid", "same"):
    result = convolved(picture, padding=padding)
    print(padding, result.shape)
    print(result.astype(int))

# %% [markdown] lang="en"
# The picture is 6 × 6 ones, so each result says how many real pixels its window held. With `"same"` a corner window
# holds four pixels and five zeros.

# %% [markdown] lang="ko"
# 이미지의 값이 모두 1이므로 결과는 창 안에 진짜 픽셀이 몇 개 있었는지를 나타냅니다. `"same"`일 때 모서리의 창에는
# 픽셀 네 개와 0 다섯 개가 들어 있습니다.

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
settings = {"valid, stride 1": (0, 1), "same, stride 1": (1, 1), "valid, stride 2": (0, 2)}
for axis, (name, (border, stride)) in zip(axes, settings.items(), strict=True):
    side = 7 + 2 * border
    grid = np.full((side, side), 0.08)
    grid[border : side - border, border : side - border] = 0.35
    axis.imshow(grid, cmap="Blues", vmin=0, vmax=1)
    places = range(0, side - 2, stride)
    for row, column in product(places, places):
        axis.plot(column + 1, row + 1, "o", color="#c2255c", markersize=5)
    for step, colour in enumerate(("#e8590c", "#2b8a3e")):
        corner = (step * stride - 0.5, -0.5 + 0.12 * step)
        axis.add_patch(Rectangle(corner, 3, 3, fill=False, edgecolor=colour, linewidth=3, zorder=4, clip_on=False))
    axis.set_xticks(np.arange(side + 1) - 0.5, [])
    axis.set_yticks(np.arange(side + 1) - 0.5, [])
    axis.grid(color="white", linewidth=1)
    axis.tick_params(length=0)
    axis.set_title(f"{name}: {len(places)} x {len(places)}", fontsize=10)

# %% [markdown] lang="en"
# A picture of 7 × 7 pixels, pale where zeros were added. Orange is the first window, green the second; each dot is
# the middle of a window and becomes one value of the feature map.

# %% [markdown] lang="ko"
# 7 × 7 픽셀 이미지입니다. 옅은 칸은 덧붙인 0입니다. 주황색은 첫 번째 창, 초록색은 두 번째 창입니다. 점은 창의
# 가운데이며, 점 하나가 특성 맵의 값 하나가 됩니다.

# %% [markdown] lang="en"
# ## Why padding: the edge counts as much as the middle
#
# Without padding a corner pixel lies in a single window, a pixel in the middle in nine. What stands at the edge
# hardly counts. And each layer shrinks the picture: ten valid layers of 3 × 3 turn 28 pixels into 8.

# %% [markdown] lang="ko"
# ## 왜 패딩을 하는가: 가장자리도 가운데만큼 중요하다
#
# 패딩이 없으면 모서리의 픽셀은 창 하나에만 들어가고, 가운데 픽셀은 아홉 개에 들어갑니다. 가장자리에 있는 것은 거의
# 반영되지 않습니다. 게다가 층을 지날 때마다 이미지가 줄어듭니다. 3 × 3 합성곱 층을 밸리드 패딩으로 열 번 거치면
# 28픽셀이 8픽셀이 됩니다.


# %% tags=["hide-input"]
def windows_of_each_pixel(side, border):
    counts = np.zeros((side + 2 * border, side + 2 * border), int)
    for row, column in product(range(side + 2 * border - 2), repeat=2):
        counts[row : row + 3, column : column + 3] += 1
    return counts[border : border + side, border : border + side]


fig, axes = plt.subplots(1, 2, figsize=(6.2, 3), layout="constrained")
for axis, (name, border) in zip(axes, {"valid": 0, "same": 1}.items(), strict=True):
    counts = windows_of_each_pixel(7, border)
    axis.imshow(counts, cmap="Blues", vmin=0, vmax=14)
    for (row, column), count in np.ndenumerate(counts):
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.6, "pad": 1}
        axis.text(column, row, count, ha="center", va="center", fontsize=10, color="black", bbox=box)
    axis.set_title(name, fontsize=10)
    axis.axis("off")

# %% [markdown] lang="en"
# How many windows each of the 7 × 7 pixels lies in. With same padding a corner lies in four windows in place of one.

# %% [markdown] lang="ko"
# 7 × 7 픽셀이 저마다 창 몇 개에 들어가는지 센 것입니다. 세임 패딩을 하면 모서리의 픽셀이 창 하나가 아니라 네 개에
# 들어갑니다.

# %% [markdown] lang="en"
# ## Stride: how far the window moves
#
# The **stride** is the step of the window, in pixels. It is 1 if you say nothing. With a stride of 2 every second
# place is left out, and the feature map has half the height and half the width: a quarter of the values, and a
# quarter of the work.
#
# Textbook networks keep a stride of 1 and halve the maps by [pooling](pooling.md). Larger networks often use a stride
# of 2 in the convolution itself. It changes no parameter: the same kernel is used at fewer places.

# %% [markdown] lang="ko"
# ## 스트라이드: 창이 움직이는 간격
#
# **스트라이드**(stride)는 창이 한 번에 움직이는 픽셀 수입니다. 기본값은 1입니다. 스트라이드가 2이면 한 칸씩
# 건너뛰므로 특성 맵의 높이와 너비가 절반이 됩니다. 값의 개수와 계산량은 4분의 1이 됩니다.
#
# 교과서의 신경망은 대부분 스트라이드를 1로 두고 [풀링](pooling.md)으로 특성 맵을 절반으로 줄입니다. 더 큰 신경망은
# 합성곱 자체의 스트라이드를 2로 두기도 합니다. 스트라이드를 바꿔도 파라미터 개수는 그대로입니다. 같은 커널을 더 적은
# 위치에서 쓸 뿐입니다.

# %%
for stride in (1, 2, 3, 4):
    image = keras.Input((28, 28, 1))
    network = keras.Model(image, keras.layers.Conv2D(32, 3, strides=stride)(image))
    row = zoo.arithmetic(network).rows[-1]
    print(f"stride {stride}: {row.output_shape!s:13} {row.formula}   {row.macs:>8,} multiplications")

# %% [markdown] lang="en"
# ## Output size: two formulas
#
# For n pixels, a kernel of size f and a stride of s:
#
# - valid: (n − f) / s + 1, rounded down
# - same: n / s, rounded up
#
# The kernel's size drops out of the second one: the zeros make up for it. Height and width are worked out apart.
# Formulas are easily off by one, so the code compares them with what Keras really gives, in many cases.

# %% [markdown] lang="ko"
# ## 출력 크기: 두 가지 공식
#
# 입력이 n픽셀, 커널 크기가 f, 스트라이드가 s일 때 출력 크기는 다음과 같습니다.
#
# - 밸리드: (n − f) / s + 1을 내림
# - 세임: n / s를 올림
#
# 두 번째 공식에는 커널 크기가 없습니다. 덧붙인 0이 그만큼 메워 주기 때문입니다. 높이와 너비는 따로 계산합니다. 이런 공식은 1만큼
# 틀리기 쉬우므로, 여러 경우에 케라스가 실제로 내놓는 크기와 비교해 보겠습니다.


# %%
def output_size(n, f, s, padding):
    return (n - f) // s + 1 if padding == "valid" else ceil(n / s)


cases = [case for case in product(range(1, 41), range(1, 8), range(1, 6), ("valid", "same")) if case[1] <= case[0]]
wrong = []
for n, f, s, padding in cases:
    layer = keras.layers.Conv2D(1, f, strides=s, padding=padding)
    if layer.compute_output_shape((1, n, n, 1))[1] != output_size(n, f, s, padding):
        wrong.append((n, f, s, padding))
print(f"said by Conv2D: {len(cases):,} cases, {len(wrong)} differ")

real = cases[::10]
differ = [case for case in real if len(convolved(np.ones(2 * case[:1], "float32"), *case[1:])) != output_size(*case)]
print(f"really computed: {len(real)} cases, {len(differ)} differ")

# %% [markdown] lang="en"
# The sizes of whole networks follow, layer by layer. [mnist_functional](../networks/mnist_functional.md) has valid
# convolutions, [fashion_cnn](../networks/fashion_cnn.md) same ones. A pooling layer follows the same formulas, with
# its window as f and as s.

# %% [markdown] lang="ko"
# 이 공식으로 신경망 전체의 크기를 층마다 구할 수 있습니다. [mnist_functional](../networks/mnist_functional.md)은
# 밸리드 패딩을, [fashion_cnn](../networks/fashion_cnn.md)은 세임 패딩을 씁니다. 풀링 층에도 같은 공식을 쓰며, f와 s가
# 모두 풀링 크기입니다.

# %%
for name in ("mnist_functional", "fashion_cnn"):
    network = zoo.get(name, weights=None)
    size = network.input_shape[1]
    line = [str(size)]
    for layer in network.layers:
        window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
        if window:
            size = output_size(size, window[0], layer.strides[0], layer.padding)
            line.append(f"{layer.name} {size}")
            if size != layer.output.shape[1]:
                raise ValueError(f"{layer.name} gives {layer.output.shape[1]}")
    print(f"{name}: " + " -> ".join(line))

# %% [markdown] lang="en"
# ## Where the zeros go
#
# Same padding of a 3 × 3 kernel needs one row on each side. With a stride of 2 and an even number of pixels one row
# in all is enough. Keras then lays it at the bottom and at the right. The code makes this visible: a picture of ones,
# windows added up.

# %% [markdown] lang="ko"
# ## 0은 어느 쪽에 붙는가
#
# 3 × 3 커널의 세임 패딩에는 양쪽에 한 행씩 필요합니다. 그런데 스트라이드가 2이고 픽셀 수가 짝수이면 모두 합쳐 한
# 행으로 충분합니다. 이때 케라스는 아래쪽과 오른쪽에 붙입니다. 값이 모두 1인 이미지에서 창의 합을 구하면 이를 눈으로
# 볼 수 있습니다.

# %%
print(convolved(np.ones((6, 6), "float32"), stride=2, padding="same").astype(int))

# %% [markdown] lang="en"
# The first window holds nine real pixels, those at the bottom and at the right six, the corner four. PyTorch's
# `padding=1` lays a zero on each side and gives other values here. Networks that are carried over from it therefore
# pad in a layer of their own.

# %% [markdown] lang="ko"
# 첫 번째 창에는 진짜 픽셀이 아홉 개 들어 있고, 아래쪽과 오른쪽의 창에는 여섯 개, 모서리의 창에는 네 개뿐입니다.
# 파이토치의 `padding=1`은 양쪽에 0을 붙이므로 이 경우 결과가 다릅니다. 그래서 파이토치에서 옮겨 온 신경망은 패딩을
# 별도의 층으로 둡니다.

# %% [markdown] lang="en"
# ## Try it: change stride and padding
#
# <div class="widget" data-widget="kernel" markdown="0"><p>A kernel slides over a small picture. Stride and padding
# can be changed; the size of the output and the number of parameters are shown beside it.</p></div>
#
# Before you change a setting, say how large the output will be. Then look whether you were right.

# %% [markdown] lang="ko"
# ## 해 보기: 스트라이드와 패딩 바꾸기
#
# <div class="widget" data-widget="kernel" markdown="0"><p>커널이 작은 그림 위를 움직입니다. 스트라이드와 패딩을 바꿀
# 수 있고, 옆에 출력 크기와 파라미터 개수가 나옵니다.</p></div>
#
# 설정을 바꾸기 전에 출력 크기를 먼저 말해 보세요. 그다음 맞았는지 확인하세요.

# %% [markdown] lang="en"
# ## Check yourself
#
# AlexNet takes pictures of 227 × 227 pixels. Its first convolution has kernels of 11 × 11, a stride of 4 and valid
# padding. How large are its feature maps? And what would same padding give?
#
# ??? question "Answer"
#     (227 − 11) / 4 + 1 = 55, without a remainder: that is why the pictures have 227 pixels. Same padding would give
#     227 / 4 = 56.75, rounded up to 57.

# %% [markdown] lang="ko"
# ## 확인 문제
#
# AlexNet은 227 × 227 픽셀 이미지를 받습니다. 첫 번째 합성곱 층은 커널이 11 × 11이고 스트라이드가 4이며 밸리드 패딩을
# 씁니다. 특성 맵의 크기는 얼마일까요? 세임 패딩이라면 얼마일까요?
#
# ??? question "정답"
#     (227 − 11) / 4 + 1 = 55로 나누어떨어집니다. 그래서 이미지가 227픽셀입니다. 세임 패딩이라면 227 / 4 = 56.75를
#     올림하여 57입니다.

# %% [markdown] lang="en"
# ## In the books
#
# - Deep Learning with Python, 2nd edition, section 8.1: border effects, padding, strides.
# - Hon Gong Machine Learning + Deep Learning, section 8-1: same and valid padding, stride.
# - Learning deep learning by making it alone, section 2-1: AlexNet.
#
# [The books, chapter by chapter](../books.md) has the networks of each. Next lesson: [ReLU](relu.md).

# %% [markdown] lang="ko"
# ## 책에서는
#
# - 《케라스 창시자에게 배우는 딥러닝》 2판 8.1절: 경계 문제, 패딩, 스트라이드
# - 《혼자 공부하는 머신러닝+딥러닝》 8-1절: 세임 패딩과 밸리드 패딩, 스트라이드
# - 《혼자 만들면서 공부하는 딥러닝》 2-1절: AlexNet
#
# 장마다 어느 신경망이 나오는지는 [책의 장마다 따라 하기](../books.md)에 있습니다. 다음 수업은 [렐루](relu.md)입니다.
