# %% [markdown] lang="en"
# # Counting parameters
#
# `model.summary()` ends with a number: 333,526 parameters for a network with two convolutions. After this lesson you
# can work that number out on paper, and say which layer it comes from.

# %% [markdown] lang="ko"
# # 파라미터 개수 세기
#
# `model.summary()`의 마지막 줄에는 숫자가 나옵니다. 합성곱 층이 두 개뿐인 신경망도 파라미터가 333,526개나 됩니다.
# 이 수업을 마치면 이 숫자를 종이에 직접 계산하고, 어느 층에서 나온 숫자인지 말할 수 있습니다.

# %% [markdown] lang="en"
# ## Parameters of a convolution, a dense layer, a bias
#
# A parameter is one number that training may change. A network has two kinds: weights, which multiply, and biases,
# which are added.
#
# **Convolution.** One filter looks at a small window through all input channels. A 3x3 filter over 32 channels has 3
# × 3 × 32 = 288 weights. Each filter also has exactly one bias, added at every place of its feature map. With 64
# filters:
#
# kernel height × kernel width × input channels × filters + filters = 3 × 3 × 32 × 64 + 64 = 18,496
#
# The size of the image does not appear. The same filter is used at every place: its weights are *shared*.
#
# **Dense layer.** Every unit has one weight for each input, and one bias:
#
# inputs × units + units = 3,136 × 100 + 100 = 313,700
#
# **Nothing to learn.** Pooling, flatten, dropout, ReLU and rescaling have no parameters at all.
#
# The code below asks a real network. `zoo.arithmetic` reads the shape of each weight and writes the formula with its
# numbers.

# %% [markdown] lang="ko"
# ## 합성곱, 밀집층, 편향의 파라미터
#
# 파라미터는 훈련하면서 바뀌는 숫자 하나하나를 말합니다. 곱하는 값인 가중치와 더하는 값인 편향, 두 가지가
# 있습니다.
#
# **합성곱 층.** 필터 하나는 작은 창으로 입력의 모든 채널을 함께 봅니다. 채널이 32개인 입력에 3x3 필터를 쓰면 필터
# 하나의 가중치는 3 × 3 × 32 = 288개입니다. 편향은 필터마다 딱 하나이고, 특성 맵의 모든 자리에 똑같이 더해집니다.
# 필터가 64개라면 다음과 같습니다.
#
# 커널 높이 × 커널 너비 × 입력 채널 × 필터 개수 + 필터 개수 = 3 × 3 × 32 × 64 + 64 = 18,496
#
# 이 식에 이미지의 크기는 들어가지 않습니다. 같은 필터를 모든 자리에서 쓰기 때문입니다. 이것을 가중치 *공유*라고
# 합니다.
#
# **밀집층.** 뉴런마다 입력 하나에 가중치가 하나씩 있고, 편향이 하나 있습니다.
#
# 입력 개수 × 뉴런 개수 + 뉴런 개수 = 3,136 × 100 + 100 = 313,700
#
# **학습할 것이 없는 층.** 풀링, Flatten, 드롭아웃, 렐루, 픽셀값 조정에는 파라미터가 하나도 없습니다.
#
# 아래 코드는 실제 신경망에서 값을 읽습니다. `zoo.arithmetic`이 가중치의 크기를 보고 숫자를 넣은 식을 만들어 줍니다.

# %%
import zoo


def print_formulas(network):
    for row in zoo.arithmetic(network).rows:
        if row.parameters:
            shape = "x".join(map(str, row.output_shape))
            print(f"{row.layer:14} {shape:>9}   {row.formula}")
    print(f"{'total':14} {'':>9}   {network.count_params():,}")


print_formulas(zoo.get("fashion_cnn"))

# %% [markdown] lang="en"
# Each line is a layer of [fashion_cnn](../networks/fashion_cnn.md): its name, its output shape, and where its
# parameters come from. Compare them with the table that your book prints.

# %% [markdown] lang="ko"
# 한 줄이 [fashion_cnn](../networks/fashion_cnn.md)의 층 하나입니다. 층 이름, 출력 크기, 파라미터를 계산한 식이 차례로
# 나옵니다. 책에 실린 표와 비교해 보세요.

# %% [markdown] lang="en"
# ## Why the first dense layer has most of them
#
# Three things depend on the count: the size of the file, the memory that training needs, and how easily a network
# learns its training images by heart. So it pays to know where the parameters sit.
#
# Convolutions are cheap because their weights are shared. The expensive place is the step from feature maps to a
# dense layer. `Flatten` turns 7 × 7 × 64 values into 3,136 inputs, and each of the 100 units has a weight for every
# one of them.
#
# The figure compares three networks, from 93,322 parameters to 138,357,544.

# %% [markdown] lang="ko"
# ## 첫 번째 밀집층에 파라미터가 몰리는 이유
#
# 파라미터 개수에 따라 세 가지가 달라집니다. 모델 파일의 크기, 훈련에 필요한 메모리, 그리고 훈련 이미지를 통째로 외워
# 버리기 쉬운 정도입니다. 그래서 파라미터가 어디에 모여 있는지 알아 둘 만합니다.
#
# 합성곱 층은 가중치를 공유하므로 파라미터가 적습니다. 파라미터가 많이 드는 곳은 특성 맵에서 밀집층으로 넘어가는 자리입니다.
# `Flatten`은 7 × 7 × 64개의 값을 입력 3,136개로 펼치고, 밀집층의 뉴런 100개는 그 하나하나에 가중치를 둡니다.
#
# 아래 그림은 파라미터가 93,322개인 신경망부터 138,357,544개인 신경망까지 세 가지를 비교합니다.

# %% tags=["hide-input"]
import matplotlib.pyplot as plt

NAMES = ("mnist_functional", "fashion_cnn", "vgg16")
COLOURS = {"Conv2D": "#1f5fa8", "first Dense": "#b35900", "other Dense": "#2a7a2a"}


def shares(network):
    counts = dict.fromkeys(COLOURS, 0)
    for row in zoo.arithmetic(network).rows:
        if row.type == "Conv2D":
            counts["Conv2D"] += row.parameters
        elif row.type == "Dense":
            counts["other Dense" if counts["first Dense"] else "first Dense"] += row.parameters
    return counts


counted = {name: shares(zoo.get(name, weights=None)) for name in NAMES}

fig, ax = plt.subplots(figsize=(8, 2.8), layout="constrained")
for place, (_, counts) in enumerate(counted.items()):
    total, left = sum(counts.values()), 0.0
    for kind, count in counts.items():
        share = 100 * count / total
        bar = ax.barh(place, share, left=left, color=COLOURS[kind], label=kind if place == 0 else None)
        if share > 6:
            ax.bar_label(bar, labels=[f"{count:,}"], label_type="center", color="white", fontsize=8)
        left += share
ax.set_yticks(range(3), [f"{name}\n{sum(counts.values()):,}" for name, counts in counted.items()])
ax.set_xlim(0, 100)
ax.set_xlabel("% of the parameters")
ax.invert_yaxis()
ax.spines[["top", "right"]].set_visible(False)
legend = ax.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False)

# %% [markdown] lang="en"
# Blue is all convolutions together, orange the first dense layer after `Flatten`, green the dense layers after it. In
# fashion_cnn 94% of the parameters sit in one layer; in VGG16 the thirteen convolutions have 11%.

# %% [markdown] lang="ko"
# 파란색은 합성곱 층을 모두 더한 것, 주황색은 `Flatten` 다음의 첫 번째 밀집층, 초록색은 나머지 밀집층입니다.
# fashion_cnn은 파라미터의 94%가 층 하나에 있고, VGG16은 합성곱 층 열세 개를 모두 더해도 11%입니다.

# %% [markdown] lang="en"
# ## Try it: the count beside the kernel
#
# <div class="widget" data-widget="kernel" markdown="0"><p>A kernel slides over an image. Beside it stand the output
# size and the number of parameters, which change with the kernel, the padding and the bias.</p></div>
#
# Change the stride and the padding: the output gets smaller or larger, the number of parameters stays. Change the
# size of the kernel, and it moves.

# %% [markdown] lang="ko"
# ## 해 보기: 커널과 파라미터 개수
#
# <div class="widget" data-widget="kernel" markdown="0"><p>커널이 이미지 위를 움직입니다. 옆에는 출력 크기와 파라미터
# 개수가 나오고, 커널과 패딩과 편향을 바꾸면 따라서 바뀝니다.</p></div>
#
# 스트라이드와 패딩을 바꿔 보세요. 출력은 커지거나 작아지지만 파라미터 개수는 그대로입니다. 커널의 크기를 바꾸어야 개수가 달라집니다.

# %% [markdown] lang="en"
# ## The same network on a larger image
#
# A convolution does not care how large the image is. The dense layer after `Flatten` does. Here the same network is
# built for three sizes:

# %% [markdown] lang="ko"
# ## 더 큰 이미지를 넣은 같은 신경망
#
# 합성곱 층은 이미지의 크기를 따지지 않습니다. `Flatten` 다음의 밀집층은 다릅니다. 같은 신경망을 세 가지 크기로 만들어
# 봅니다.

# %%
for side in (28, 56, 112):
    network = zoo.get("fashion_cnn", input_shape=(side, side, 1))
    rows = {row.layer: row for row in zoo.arithmetic(network).rows}
    print(f"{side:3}x{side:<3}  conv2 {rows['conv2'].parameters:,}   dense {rows['dense'].formula}")

# %% [markdown] lang="en"
# Twice the side gives four times the places, and so four times the weights of the dense layer. This is why large
# networks average each feature map down to one number first: `GlobalAveragePooling2D` in place of `Flatten`.

# %% [markdown] lang="ko"
# 한 변이 두 배가 되면 자리는 네 배가 되고, 밀집층의 가중치도 네 배가 됩니다. 그래서 큰 신경망은 `Flatten` 대신
# `GlobalAveragePooling2D`를 써서 특성 맵마다 평균 하나만 남긴 다음 밀집층으로 넘깁니다.

# %%
from keras import Input, layers

maps = Input((7, 7, 64))
for kind in (layers.Flatten(), layers.GlobalAveragePooling2D()):
    dense = layers.Dense(100)
    dense(kind(maps))
    print(f"{type(kind).__name__:24} -> Dense(100): {dense.count_params():,}")

# %% [markdown] lang="en"
# ## Check yourself
#
# [mnist_functional](../networks/mnist_functional.md) has the layers `Conv2D(64, 3)` on 64 channels and `Dense(64)` on
# 576 inputs. Both have 36,928 parameters. Is that an accident?
#
# ??? question "Answer"
#     No: 3 × 3 × 64 × 64 + 64 and 576 × 64 + 64 are the same sum, because 3 × 3 × 64 = 576. The last feature maps are
#     just 3x3 large. A 3x3 filter laid on them without padding fits exactly once, and then a convolution *is* a dense
#     layer.

# %% [markdown] lang="ko"
# ## 확인 문제
#
# [mnist_functional](../networks/mnist_functional.md)에는 채널 64개를 받는 `Conv2D(64, 3)`과 입력 576개를 받는
# `Dense(64)`가 있습니다. 둘 다 파라미터가 36,928개입니다. 우연일까요?
#
# ??? question "정답"
#     우연이 아닙니다. 3 × 3 × 64 = 576이므로 3 × 3 × 64 × 64 + 64와 576 × 64 + 64는 같은 식입니다. 마지막 특성 맵의
#     크기가 마침 3x3입니다. 패딩 없이 3x3 필터를 올리면 딱 한 자리에만 놓이고, 이때 합성곱은 밀집층과 *같은*
#     계산입니다.

# %% [markdown] lang="en"
# ## In the books
#
# - Deep Learning with Python, 2nd edition, section 8.1: the summary of mnist_functional, 93,322 parameters.
# - Hon Gong Machine Learning + Deep Learning, section 8-2: the summary of fashion_cnn, 333,526 parameters.
# - Learning deep learning by making it alone, section 2-1: VGG16, 138,357,544 parameters.
#
# [The books, chapter by chapter](../books.md) has the networks of each. Next lesson: [filters](filters.md).

# %% [markdown] lang="ko"
# ## 책에서는
#
# - 《케라스 창시자에게 배우는 딥러닝》 2판 8.1절: 파라미터가 93,322개인 mnist_functional의 `summary()` 출력
# - 《혼자 공부하는 머신러닝+딥러닝》 8-2절: 파라미터가 333,526개인 fashion_cnn의 `summary()` 출력
# - 《혼자 만들면서 공부하는 딥러닝》 2-1절: 파라미터가 138,357,544개인 VGG16
#
# 장마다 어느 신경망이 나오는지는 [책의 장마다 따라 하기](../books.md)에 있습니다. 다음 수업은 [필터](filters.md)입니다.
