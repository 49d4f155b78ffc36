# %% [markdown] lang="en"
# # Feature extraction with a pretrained base
#
# A network that has learned from a million photos already knows edges, textures and shapes.
# Feature extraction keeps that knowledge as it is and trains only a new classifier on top.
# This lesson shows which part is kept, why, and how hours of training become a minute.

# %% [markdown] lang="ko"
# # 사전 훈련된 모델을 사용한 특성 추출
#
# 사진 백만 장으로 훈련한 신경망은 에지, 질감, 모양을 이미 알고 있습니다. 특성 추출은 그 지식을 그대로 두고
# 그 위에 새 분류기만 훈련하는 방법입니다. 이 수업에서는 어느 부분을 왜 그대로 쓰는지, 몇 시간 걸릴 훈련이
# 어떻게 1분으로 줄어드는지 알아봅니다.

# %% [markdown] lang="en"
# ## What feature extraction is
#
# A convolutional network has two parts. The convolutional base, convolutions and pooling, turns a photo into features. The
# classifier, one or more dense layers, turns features into classes.
#
# Feature extraction takes the base of a pretrained network and leaves its classifier away. Photos pass through the base, whose
# weights stay frozen. A new classifier, here called the head, learns from what comes out.
#
# How much is kept? The code builds VGG16's base under a new head, without any download, and counts.

# %% [markdown] lang="ko"
# ## 특성 추출이란
#
# 합성곱 신경망은 두 부분으로 되어 있습니다. 합성곱과 풀링으로 된 합성곱 기반 층(convolutional base)은 사진을
# 특성으로 바꿉니다. 밀집층으로 된 분류기는 특성을 클래스로 바꿉니다.
#
# 특성 추출에서는 사전 훈련된 신경망의 합성곱 기반 층만 가져오고 분류기는 버립니다. 사진을 동결한 기반 층에 통과시키고,
# 거기서 나온 특성으로 새 분류기를 훈련합니다. 이 프로젝트에서는 새 분류기를 머리(head)라고 부릅니다.
#
# 얼마나 많은 부분을 그대로 쓸까요? 아래 코드는 아무것도 내려받지 않고 VGG16의 기반 층에 새 머리를 얹어 세어 봅니다.

# %%
import json
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import zoo
from recipes.data.samples import mnist_5k
from recipes.freeze import frontier, split_at, thaw

keras.utils.set_random_seed(42)
model = zoo.get("vgg16_feature_extract", weights=None)
thaw(model, ("head_*",))
base, head = split_at(model, frontier(model))
for name, part in (("base", base), ("head", head)):
    macs = zoo.arithmetic(part).macs
    print(f"{name}: {part.count_params():>12,} parameters {macs:>16,} multiplications a photo")
print("features of a photo:", base.output_shape[1:])

# %% tags=["hide-input"]
fig, axes = plt.subplots(2, 1, figsize=(8, 2.6), layout="constrained")
shares = {
    "parameters": [part.count_params() for part in (base, head)],
    "multiplications": [zoo.arithmetic(part).macs for part in (base, head)],
}
for axis, (name, values) in zip(axes, shares.items(), strict=True):
    share = 100 * values[0] / sum(values)
    axis.barh([0], [share], color="#4c72b0", label="base, frozen")
    axis.barh([0], [100 - share], left=[share], color="#dd8452", label="head, trains")
    axis.set_yticks([0], [name])
    axis.set_xlim(0, 100)
axes[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
axes[1].set_xlabel("%")

# %% [markdown] lang="en"
# The frozen base and the head that trains, as shares of the whole network. Nearly all of the work is in the frozen part, though
# only the small part learns.

# %% [markdown] lang="ko"
# 동결한 기반 층과 훈련하는 머리가 신경망 전체에서 차지하는 비율입니다. 배우는 것은 작은 부분인데, 계산은 거의 모두 동결한
# 부분에서 합니다.

# %% [markdown] lang="en"
# ## Why only the convolutional base
#
# Why not keep the old classifier as well? Its outputs are about the old classes: how probable is a Siamese cat, how probable is a
# bus. They say little about classes that nobody trained them for. And dense layers no longer know where something is.
#
# What convolutions find is more general. Edges and textures are of use for any photo. The further up a layer lies, the more it
# belongs to the old classes.
#
# This can be seen in a small way. A network learns the digits 1, 3, 5, 7 and 9. Then 50 digits of each kind of task train a new
# classifier on what one of its layers gives: the old digits, and 0, 2, 4, 6 and 8, which it never saw.

# %% [markdown] lang="ko"
# ## 왜 합성곱 기반 층만 쓰는가
#
# 원래 분류기까지 다시 쓰면 안 될까요? 분류기의 출력은 원래 클래스에 관한 것입니다. 샴고양이일 확률, 버스일 확률처럼요. 훈련한 적
# 없는 클래스에 대해서는 알려 주는 것이 거의 없습니다. 게다가 밀집층에는 무엇이 어디에 있었는지가 남아 있지 않습니다.
#
# 합성곱 층이 찾은 것은 더 일반적입니다. 에지와 질감은 어떤 사진에든 쓸모가 있습니다. 위쪽 층으로 갈수록 원래 클래스에 특화됩니다.
#
# 작은 실험으로 확인해 보겠습니다. 신경망에 숫자 1, 3, 5, 7, 9를 가르칩니다. 그런 다음 한 층의 출력만 가지고 새 분류기를
# 훈련합니다. 훈련에는 숫자 50장을 쓰고, 배운 적 있는 숫자와 한 번도 본 적 없는 0, 2, 4, 6, 8을 각각 시험합니다.

# %%
train, test, _ = mnist_5k()
old, new = (1, 3, 5, 7, 9), (0, 2, 4, 6, 8)


def pick(images, classes):
    """The pictures and labels of some classes."""
    wanted = np.isin(images.labels, classes)
    return images.pixels[wanted], images.labels[wanted]


pixels, labels = pick(train, old)
small = zoo.get("fashion_cnn", weights=None, classes=5)
small.compile("adam", "sparse_categorical_crossentropy")
small.fit(pixels[:1000], np.searchsorted(old, labels[:1000]), batch_size=32, epochs=2, verbose=0)


def accuracy(layer, classes):
    """Test accuracy of a new classifier that learns from 50 digits, as one layer sees them."""
    cut = keras.Model(small.input, small.get_layer(layer).output)
    (images, truth), (others, answers) = pick(train, classes), pick(test, classes)
    features, unseen = (np.array(cut(part)).reshape(len(part), -1) for part in (images[:50], others))
    classifier = make_pipeline(StandardScaler(), RidgeClassifier(alpha=100)).fit(features, truth[:50])
    return classifier.score(unseen, answers)


layers = ("pool2", "dense", "probabilities")
found = {name: [accuracy(layer, digits) for layer in layers] for name, digits in (("old", old), ("new", new))}
print(f"{'features from':<16}" + "".join(f"{layer:>15}" for layer in layers))
for name, values in found.items():
    print(f"{name + ' digits':<16}" + "".join(f"{value:>15.3f}" for value in values))

# %% tags=["hide-input"]
fig, axis = plt.subplots(figsize=(7, 3.4), layout="constrained")
for (name, values), digits, marker in zip(found.items(), (old, new), "os", strict=True):
    axis.plot(layers, values, marker=marker, label=f"{name}: {', '.join(map(str, digits))}")
axis.set_ylabel("test accuracy")
axis.grid(alpha=0.3)
axis.legend()

# %% [markdown] lang="en"
# Test accuracy by the layer whose output the new classifier gets; `pool2` ends the convolutional base. For the old digits the top
# layers are best, for that is what they were trained for. For new digits it is the other way: the base is worth most, the old
# probabilities least.

# %% [markdown] lang="ko"
# 새 분류기가 어느 층의 출력을 받는지에 따른 테스트 정확도입니다. `pool2`까지가 합성곱 기반 층입니다. 배운 숫자에는 위쪽 층이 가장
# 좋습니다. 그 숫자를 위해 훈련했기 때문입니다. 처음 보는 숫자에서는 반대입니다. 기반 층의 출력이 가장 낫고, 예전 클래스의 확률이 가장
# 못합니다.

# %% [markdown] lang="en"
# ## Features once, or every epoch anew
#
# What a frozen base gives for a photo never changes. So it can be computed once and kept: that is the first protocol of the second
# edition. An epoch then trains the head alone.
#
# The second protocol augments each photo anew in every epoch. Then no features can be kept, and each epoch passes the whole base
# again. The book calls it expensive and wants a graphics card for it.
#
# Here is what both take on two processor cores, from this project's measurement: VGG16 at 180x180, 2,000 photos to train on and
# 1,000 to validate, 50 epochs of the head.

# %% [markdown] lang="ko"
# ## 특성을 한 번만 계산할까, 에포크마다 새로 계산할까
#
# 동결한 기반 층이 사진 한 장에 내놓는 특성은 언제나 같습니다. 그러니 한 번만 계산해 저장해 두면 됩니다. 책(2판)의 첫째 방법입니다.
# 그다음부터 에포크마다 머리만 훈련합니다.
#
# 둘째 방법은 에포크마다 사진을 새로 증식합니다. 그러면 특성을 저장해 둘 수 없어 에포크마다 기반 층 전체를 다시 통과해야 합니다. 책에서도
# 비용이 많이 들어 GPU가 필요하다고 합니다.
#
# CPU 코어 두 개에서 두 방법에 걸리는 시간을 이 프로젝트에서 쟀습니다. 입력이 180x180인 VGG16을 훈련 사진 2,000장과
# 검증 사진 1,000장으로, 머리만 50에포크 훈련할 때의 시간입니다.

# %%
epochs = 50
rounds = json.loads(Path("results/bench/boundary.json").read_text())["rounds"]
every_epoch = np.mean([run["head, plain"]["seconds"] for run in rounds])
one_pass = max(run["head, float32"]["pass"]["seconds"] for run in rounds)
above = np.mean([run["head, float32"]["seconds"] for run in rounds])
minutes = {
    "base in every epoch": epochs * every_epoch / 60,
    "base on 4 views": (one_pass * (4 * 2000 + 1000) / 3000 + epochs * above) / 60,
    "base once": (one_pass + epochs * above) / 60,
}
print(f"an epoch: {every_epoch:.0f} s with the base, {above:.1f} s without; one pass of the base: {one_pass:.0f} s")
for name, value in minutes.items():
    print(f"{name:<28}{value:>7.1f} minutes")

# %% tags=["hide-input"]
fig, axis = plt.subplots(figsize=(8, 2.3), layout="constrained")
bars = axis.barh(list(minutes), list(minutes.values()), color=["#dd8452", "#55a868", "#4c72b0"])
axis.bar_label(bars, [f" {value:.1f}" for value in minutes.values()])
axis.set_xlim(0, 1.12 * max(minutes.values()))
axis.invert_yaxis()
axis.set_xlabel("minutes")

# %% [markdown] lang="en"
# Minutes of 50 epochs. The frozen part is run by a faster engine here as well, so not all of the gain comes from keeping
# features; [Train above a frozen part](../boundary.md) has each share.
#
# A recipe of this project stands in the middle: `views=4` makes four augmented views of each photo, passes each once, and lets the
# epochs take turns with them. Each photo passes four times, not fifty. On a frozen base more views [bring little](augmentation.md).

# %% [markdown] lang="ko"
# 50에포크에 걸리는 시간(분)입니다. 동결한 부분은 더 빠른 엔진으로 계산했으므로 줄어든 시간이 모두 특성 저장 덕분은 아닙니다. 각각의
# 몫은 [동결 경계에서 특성 저장하기](../boundary.md)에 있습니다.
#
# 이 프로젝트의 레시피는 그 중간에 있습니다. `views=4`는 사진마다 증식한 사진을 네 장 만들어 한 번씩만 통과시키고, 에포크마다 번갈아
# 씁니다. 50번이 아니라 네 번만 통과합니다. 동결한 기반 층에서는 더 많이 증식해도 [효과가 작습니다](augmentation.md).

# %% [markdown] lang="en"
# ## A photo becomes numbers
#
# <div class="widget" data-widget="features" markdown="0"><p>A photo goes into a frozen base and comes out as 1,280 numbers; photos that look alike have like numbers.</p></div>
#
# Compare two photos of one class, then two of different classes. The head has only these numbers to decide by.

# %% [markdown] lang="ko"
# ## 사진이 숫자가 된다
#
# <div class="widget" data-widget="features" markdown="0"><p>사진 한 장이 동결한 기반 층을 지나 숫자 1,280개가 됩니다. 닮은 사진은 숫자도 닮았습니다.</p></div>
#
# 같은 클래스의 사진 두 장을 비교해 보고, 다른 클래스의 사진 두 장도 비교해 보세요. 머리는 이 숫자들만 보고 답을 정합니다.

# %% [markdown] lang="en"
# ## Keep features, train the head
#
# These lines do it for any model. `cache` keeps features on disk and finds them again; here the digits fit into memory, so the base
# is called once. The network learned only 1, 3, 5, 7 and 9; its new head learns the other five from 200 digits.

# %% [markdown] lang="ko"
# ## 특성을 저장하고 머리를 훈련하기
#
# 다음 몇 줄은 어떤 모델에나 쓸 수 있습니다. `cache`는 특성을 디스크에 저장하고 다시 찾아 씁니다. 여기서는 숫자가 메모리에
# 들어가므로 기반 층을 한 번만 호출합니다. 1, 3, 5, 7, 9만 배운 신경망의 새 머리가 나머지 다섯 숫자를 200장으로 배웁니다.

# %%
base = keras.Model(small.input, small.get_layer("pool2").output)
base.trainable = False
images, labels = pick(train, new)
unseen, answers = pick(test, new)
features = np.array(base(images[:200]))  # Once.

head = keras.Sequential([keras.Input(base.output_shape[1:]), keras.layers.Flatten(), keras.layers.Dense(5, "softmax")])
head.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
head.fit(features, np.searchsorted(new, labels[:200]), batch_size=40, epochs=10, verbose=0)
score = head.evaluate(np.array(base(unseen)), np.searchsorted(new, answers), verbose=0)[1]
print(f"{head.count_params():,} parameters trained, {base.count_params():,} frozen")
print(f"test accuracy on digits that the base never saw: {score:.3f}")

# %% [markdown] lang="en"
# With a base that really was pretrained, on 2,000 photos of cats and dogs:
#
# ```sh
# python -m recipes.run vgg16_feature_extract --plan
# python -m recipes.run xception_feature_extract --plan
# ```
#
# `--plan` says how long it takes and how much disk the features need, before anything is computed.

# %% [markdown] lang="ko"
# 실제로 사전 훈련된 기반 층을 써서 고양이와 개 사진 2,000장으로 훈련하려면 다음과 같이 합니다.
#
# ```sh
# python -m recipes.run vgg16_feature_extract --plan
# python -m recipes.run xception_feature_extract --plan
# ```
#
# `--plan`은 아무것도 계산하기 전에 걸릴 시간과 특성을 저장할 디스크 공간을 알려 줍니다.

# %% [markdown] lang="en"
# ## Check yourself
#
# ??? question "Why may features be computed once when the base is frozen, but not when its last block trains?"
#     A frozen base gives the same output for the same photo in every epoch. When its last block trains, that block's weights change at
#     each step, and so does what it gives. What lies below that block is still the same: features can be kept there, where the frozen
#     part ends.

# %% [markdown] lang="ko"
# ## 확인 문제
#
# ??? question "기반 층을 동결하면 특성을 한 번만 계산해도 되는데, 마지막 블록을 훈련할 때는 왜 안 될까요?"
#     동결한 기반 층은 같은 사진에 에포크마다 같은 출력을 냅니다. 마지막 블록을 훈련하면 그 블록의 가중치가 단계마다 바뀌고 출력도
#     바뀝니다. 하지만 그 블록 아래는 여전히 같으므로, 동결된 부분이 끝나는 곳의 특성을 저장하면 됩니다.

# %% [markdown] lang="en"
# ## In the books
#
# Deep Learning with Python, 2nd edition, section 8.3.1, and 3rd edition, chapter 8: the recipes `vgg16_feature_extract` and
# `xception_feature_extract`. Learning deep learning by making it alone, section 3-3, puts a head on a frozen EfficientNetB0: the
# recipe `transfer`. All chapters are in [the list of books](../books.md); [fine-tuning](fine_tuning.md) goes on from here.

# %% [markdown] lang="ko"
# ## 책에서는
#
# 《케라스 창시자에게 배우는 딥러닝》 2판 8.3.1절과 3판 8장이며, 레시피는 `vgg16_feature_extract`와
# `xception_feature_extract`입니다. 《혼자 만들면서 공부하는 딥러닝》 3-3절은 동결한 EfficientNetB0 위에 머리를 얹습니다.
# 레시피 `transfer`가 그것입니다. 모든 장은 [책의 장마다 따라 하기](../books.md)에 있고, [미세 조정](fine_tuning.md)이 여기서 이어집니다.
