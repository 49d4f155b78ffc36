# %% [markdown] lang="en"
# # Pooling and translation
#
# A pooling layer makes feature maps smaller. It learns nothing and has no weights, and yet most networks in textbooks
# have one after each convolution. This lesson shows what it keeps, and what happens to the answer when the picture
# moves.

# %% [markdown] lang="ko"
# # 풀링과 평행 이동
#
# 풀링 층은 특성 맵을 작게 만듭니다. 배우는 것도 없고 가중치도 없지만, 책에 나오는 신경망에는 대부분 합성곱 층마다
# 풀링 층이 하나씩 붙습니다. 이 수업에서는 풀링이 무엇을 남기는지, 이미지를 옮기면 답이 어떻게 바뀌는지 살펴봅니다.

# %% [markdown] lang="en"
# ## Pooling: one number for each window
#
# Pooling lays windows over a feature map, mostly of 2 × 2, and writes down one number for each. **Max pooling** takes
# the largest value, **average pooling** the mean. The windows do not overlap: the stride is the window's size unless
# you say otherwise.
#
# Height and width are halved. The number of channels stays, since each map is pooled for itself.

# %% [markdown] lang="ko"
# ## 풀링: 창마다 숫자 하나
#
# 풀링은 특성 맵 위에 대개 2 × 2인 창을 놓고 창마다 숫자 하나를 남깁니다. **최대 풀링**(max pooling)은 가장 큰 값을,
# **평균 풀링**(average pooling)은 평균값을 고릅니다. 창은 서로 겹치지 않습니다. 따로 지정하지 않으면 스트라이드가
# 풀링 크기와 같기 때문입니다.
#
# 높이와 너비는 절반이 됩니다. 특성 맵마다 따로 풀링하므로 채널의 개수는 그대로입니다.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers

import zoo
from recipes.data.samples import fashion_mnist_7k, mnist_5k
from zoo.filters import SOBEL_HORIZONTAL, convolve2d

small = np.array([[1, 3, 0, 0], [5, 2, 0, 1], [0, 0, 4, 4], [8, 0, 4, 4]], "float32")
for pool in (layers.MaxPooling2D(2), layers.AveragePooling2D(2)):
    print(type(pool).__name__)
    print(np.asarray(pool(small[None, ..., None]))[0, ..., 0])

# %% tags=["hide-input"]
_, clothes, _ = fashion_mnist_7k()
shirt = clothes.pixels[clothes.labels == 0][0, ..., 0]
answer = np.maximum(convolve2d(shirt, SOBEL_HORIZONTAL, padding="same"), 0).astype("float32")[None, ..., None]
pictures = {"picture": shirt[None, ..., None], "feature map": answer}
pictures |= {"max 2 x 2": layers.MaxPooling2D(2)(answer), "average 2 x 2": layers.AveragePooling2D(2)(answer)}
pictures |= {"max 4 x 4": layers.MaxPooling2D(4)(answer), "average 4 x 4": layers.AveragePooling2D(4)(answer)}
fig, axes = plt.subplots(1, 6, figsize=(10.5, 2.2), layout="constrained")
for axis, (name, picture) in zip(axes, pictures.items(), strict=True):
    limit = 255 if name == "picture" else answer.max()
    axis.imshow(np.asarray(picture)[0, ..., 0], cmap="gray", vmin=0, vmax=limit)
    axis.set_title(name, fontsize=9)
    axis.axis("off")

# %% [markdown] lang="en"
# A T-shirt, its answer to horizontal edges after ReLU, and that map pooled. After max pooling the edges are as bright
# as before; after average pooling thin edges fade, since each is averaged with the empty pixels beside it.

# %% [markdown] lang="ko"
# 티셔츠와, 가로 에지에 대한 반응에 렐루를 적용한 특성 맵, 그리고 이를 풀링한 결과입니다. 최대 풀링을 하면 에지가
# 전과 똑같이 밝습니다. 평균 풀링을 하면 가는 에지는 옆의 빈 픽셀과 평균을 내므로 흐려집니다.

# %% [markdown] lang="en"
# ## Why pooling: less work, a wider view
#
# Three reasons, in figures. Below is [fashion_cnn](../networks/fashion_cnn.md) as it stands, and the same layers
# without the two pools.

# %% [markdown] lang="ko"
# ## 왜 풀링을 하는가: 계산은 줄고 시야는 넓어진다
#
# 세 가지 이유를 숫자로 확인해 보겠습니다. [fashion_cnn](../networks/fashion_cnn.md) 그대로의 모습과, 같은 층에서 풀링
# 두 개만 뺀 모습입니다.

# %%
with_pools = zoo.get("fashion_cnn", weights=None)
image = keras.Input((28, 28, 1))
x = image
for layer in with_pools.layers[1:]:
    if not isinstance(layer, layers.MaxPooling2D):
        x = type(layer).from_config(layer.get_config())(x)
without_pools = keras.Model(image, x)

for name, network in (("with pools", with_pools), ("without", without_pools)):
    table = zoo.arithmetic(network)
    sees = {row.layer: row.receptive_field for row in table.rows}["conv2"]
    print(f"{name:11} {table.parameters:>9,} parameters   {table.macs:>10,} multiplications   conv2 sees {sees}")
for row in zoo.arithmetic(with_pools).rows:
    if row.type in ("Conv2D", "MaxPooling2D"):
        print(f"  {row.layer:6} {row.output_shape!s:13} {row.parameters:>6,} parameters")

# %% [markdown] lang="en"
# The work shrinks, the parameters of the dense layer behind shrink, and with them the danger of overfitting. And a
# value of the second convolution sees a larger part of the picture, so it can put small patterns together to larger
# ones.

# %% [markdown] lang="ko"
# 계산량이 줄고, 뒤에 오는 밀집층의 파라미터가 줄고, 그만큼 과대적합의 위험도 줄어듭니다. 또 두 번째 합성곱 층의 값
# 하나가 이미지를 더 넓게 봅니다. 그래서 작은 패턴을 모아 더 큰 패턴을 만들 수 있습니다.

# %% [markdown] lang="en"
# ## Why the largest value
#
# A feature map says where a pattern is, and how clearly. The largest value of a window keeps that: *the pattern is
# somewhere here*. The mean dilutes it with places where the pattern is not. So max pooling mostly works better
# between convolutions.
#
# The mean has its place at the end: `GlobalAveragePooling2D` makes one number of each whole map before the
# classifier.

# %% [markdown] lang="ko"
# ## 왜 최댓값인가
#
# 특성 맵은 패턴이 어디에 얼마나 뚜렷하게 있는지 알려 줍니다. 창의 최댓값은 *이 근처에 패턴이 있다*는 정보를 남깁니다.
# 평균은 패턴이 없는 위치의 값이 섞여 옅어집니다. 그래서 합성곱 층 사이에서는 대개 최대 풀링이 더 잘 작동합니다.
#
# 평균은 마지막에 쓸모가 있습니다. `GlobalAveragePooling2D`는 분류기 바로 앞에서 특성 맵마다 숫자 하나를 만듭니다.

# %% [markdown] lang="en"
# ## Translation: what a moved picture changes
#
# Move a picture by one pixel, and its feature maps move by one pixel: place for place they hold other numbers. If the
# largest value stays inside its window, max pooling gives the same number as before. The larger the window, the less
# changes. The code moves a hundred digits by one pixel and measures the change.

# %% [markdown] lang="ko"
# ## 평행 이동: 이미지를 옮기면 무엇이 바뀌는가
#
# 이미지를 한 픽셀 옮기면 특성 맵도 한 픽셀 움직입니다. 그래서 같은 자리의 숫자는 전과 달라집니다. 하지만 최댓값이
# 창을 벗어나지 않으면 최대 풀링의 결과는 그대로입니다. 창이 클수록 덜 바뀝니다. 숫자 이미지 100장을 한 픽셀씩 옮기고
# 값이 얼마나 바뀌는지 재 보겠습니다.


# %%
def moved(pixels, step):
    return np.pad(pixels, ((0, 0), (0, 0), (step, 0), (0, 0)))[:, :, :28]


train, test, _ = mnist_5k()
keras.utils.set_random_seed(0)
image = keras.Input((28, 28, 1))
maps = layers.Conv2D(16, 3, padding="same", activation="relu")(image)
sizes = (2, 4, 7, 14, 28)
pooled = keras.Model(image, [maps] + [layers.MaxPooling2D(size)(maps) for size in sizes])

digits = test.pixels[:100].astype("float32") / 255
changes = {}
for size, before, after in zip((1, *sizes), pooled(digits), pooled(moved(digits, 1)), strict=True):
    changes[size] = float(np.linalg.norm(after - before) / np.linalg.norm(before))
    print(f"window {size:2} x {size:<2}: the values change by {changes[size]:.0%}")

# %% [markdown] lang="en"
# Now the answer itself. Three networks train on the same 2,000 digits, which all stand in the middle. The first
# halves its maps by a stride of 2, the second by max pooling: same sizes, same number of parameters. The third has one
# convolution more and ends with a global max pooling: each map becomes one number, wherever its largest value was.

# %% [markdown] lang="ko"
# 이제 답을 비교해 보겠습니다. 한가운데에 놓인 같은 숫자 2,000장으로 신경망 세 개를 훈련합니다. 첫째는 스트라이드 2로,
# 둘째는 최대 풀링으로 특성 맵을 절반으로 줄입니다. 두 신경망은 특성 맵의 크기도 파라미터 개수도 같습니다. 셋째는
# 합성곱 층이 하나 더 있고 전역 최대 풀링으로 끝납니다. 최댓값이 어디에 있든 특성 맵 하나가 숫자 하나가 됩니다.


# %%
def convolution(filters, stride=1):
    return layers.Conv2D(filters, 3, strides=stride, padding="same", activation="relu")


def small_network(kind):
    pool = layers.MaxPooling2D
    between = {
        "stride 2": [convolution(16, stride=2), convolution(32, stride=2), layers.Flatten()],
        "max 2 x 2": [convolution(16), pool(2), convolution(32), pool(2), layers.Flatten()],
        "global max": [
            convolution(16),
            pool(2),
            convolution(32),
            pool(2),
            convolution(64),
            layers.GlobalMaxPooling2D(),
        ],
    }[kind]
    scale, classifier = layers.Rescaling(1 / 255), layers.Dense(10, activation="softmax")
    return keras.Sequential([keras.Input((28, 28, 1)), scale, *between, classifier])


chosen = np.random.default_rng(0).permutation(len(train))[:2000]
steps = range(8)
accuracy = {}
for name in ("stride 2", "max 2 x 2", "global max"):
    keras.utils.set_random_seed(0)
    network = small_network(name)
    network.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
    network.fit(train.pixels[chosen], train.labels[chosen], batch_size=64, epochs=2, verbose=0)
    answers = [np.asarray(network(moved(test.pixels[::2], step))).argmax(axis=1) for step in steps]
    accuracy[name] = [float((answer == test.labels[::2]).mean()) for answer in answers]
    print(f"{name:11}{network.count_params():,} parameters " + " ".join(f"{share:5.0%}" for share in accuracy[name]))

# %% tags=["hide-input"]
fig, axis = plt.subplots(figsize=(6.5, 3), layout="constrained")
styles = (("#868e96", "s"), ("#e8590c", "o"), ("#4c6ef5", "^"))
for (name, shares), (colour, mark) in zip(accuracy.items(), styles, strict=True):
    axis.plot(steps, shares, marker=mark, color=colour, linewidth=2, label=name)
axis.set_ylim(0, 1)
axis.set_xlabel("pixels to the right")
axis.set_ylabel("accuracy")
axis.legend(frameon=False, loc="lower left")
axis.patch.set_alpha(0)
axis.spines[["top", "right"]].set_visible(False)

# %% [markdown] lang="en"
# Accuracy on 500 other digits, moved to the right by 0 to 7 pixels. Max pooling bears a pixel or two more than the
# stride, which skips places instead of looking at all of them. Only global pooling bears every shift. Its price: it
# no longer knows where a pattern was, and starts lower.
#
# So a small pool does not make a network blind to place. It makes **small** shifts matter less. For larger ones,
# [augmentation](augmentation.md) shows moved pictures in training.

# %% [markdown] lang="ko"
# 다른 숫자 500장을 오른쪽으로 0~7픽셀 옮겼을 때의 정확도입니다. 최대 풀링은 스트라이드보다 한두 픽셀 더 옮겨도 견딥니다.
# 스트라이드는 자리를 건너뛰지만 최대 풀링은 모두 살펴보기 때문입니다. 얼마를 옮기든 견디는 것은 전역 풀링뿐입니다. 그 대신 패턴이
# 어디에 있었는지 알 수 없게 되어, 옮기지 않았을 때의 정확도는 더 낮습니다.
#
# 작은 풀링을 쓴다고 신경망이 위치를 완전히 무시하게 되지는 않습니다. **작은** 이동에 둔감해질 뿐입니다. 더 큰 이동에는 훈련할 때
# 옮긴 이미지를 보여 주는 [데이터 증식](augmentation.md)을 씁니다.

# %% [markdown] lang="en"
# ## Try it: pool a moving picture
#
# <div class="widget" data-widget="pooling" markdown="0"><p>A small picture is pooled by the largest value and by the
# mean. When you move the picture, the values that stay the same are counted.</p></div>
#
# Move the picture by one step to the right, once with windows of 2 × 2 and once with 4 × 4. Which values stay?
# Compare the largest value with the mean.

# %% [markdown] lang="ko"
# ## 해 보기: 움직이는 그림 풀링하기
#
# <div class="widget" data-widget="pooling" markdown="0"><p>작은 그림을 최댓값과 평균으로 풀링합니다. 그림을 옮기면
# 그대로 남은 값이 몇 개인지 셉니다.</p></div>
#
# 그림을 오른쪽으로 한 칸 옮겨 보세요. 창이 2 × 2일 때와 4 × 4일 때 어떤 값이 그대로 남나요? 최댓값과 평균도 비교해
# 보세요.

# %% [markdown] lang="en"
# ## Check yourself
#
# A feature map of 15 × 15 with 32 channels goes through `MaxPooling2D(2)`. What is the output shape? How many
# parameters does the layer have? And which values are lost altogether?
#
# ??? question "Answer"
#     (7, 7, 32) and no parameters. The windows begin at the upper left; padding is valid, so seven of them fit and
#     the fifteenth row and column are not looked at. `padding="same"` would give (8, 8, 32).

# %% [markdown] lang="ko"
# ## 확인 문제
#
# 15 × 15 크기에 채널이 32개인 특성 맵이 `MaxPooling2D(2)`를 지납니다. 출력 크기는 얼마일까요? 이 층의 파라미터는 몇
# 개일까요? 아예 쓰이지 않는 값은 어느 것일까요?
#
# ??? question "정답"
#     출력은 (7, 7, 32)이고 파라미터는 없습니다. 창은 왼쪽 위에서 시작하고 밸리드 패딩이므로 일곱 개가 들어갑니다.
#     열다섯 번째 행과 열은 쓰이지 않습니다. `padding="same"`이라면 (8, 8, 32)입니다.

# %% [markdown] lang="en"
# ## In the books
#
# - Hon Gong Machine Learning + Deep Learning, section 8-1: max and average pooling.
# - Deep Learning with Python, 2nd edition, section 8.1: max pooling, and why the maximum.
# - 3-Minute Deep Learning with Keras, section 4.1: max pooling, and patterns that lie a little elsewhere.
# - Learning deep learning by making it alone, section 1-3: LeNet-5 with average pooling.
#
# [The books, chapter by chapter](../books.md) has the networks of each. Next lesson: [counting
# parameters](counting_parameters.md).

# %% [markdown] lang="ko"
# ## 책에서는
#
# - 《혼자 공부하는 머신러닝+딥러닝》 8-1절: 최대 풀링과 평균 풀링
# - 《케라스 창시자에게 배우는 딥러닝》 2판 8.1절: 최대 풀링, 최댓값을 쓰는 이유
# - 《코딩셰프의 3분 딥러닝, 케라스맛》 4.1절: 맥스풀링과 조금씩 달라지는 특징점 위치
# - 《혼자 만들면서 공부하는 딥러닝》 1-3절: 평균 풀링을 쓰는 LeNet-5
#
# 장마다 어느 신경망이 나오는지는 [책의 장마다 따라 하기](../books.md)에 있습니다. 다음 수업은 [파라미터 개수
# 세기](counting_parameters.md)입니다.
