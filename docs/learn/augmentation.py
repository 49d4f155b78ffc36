# %% [markdown] lang="en"
# # Augmentation and its limit
#
# A network that trains on few photos soon knows them by heart. Data augmentation changes each photo a little, anew in every
# epoch, so that it never sees the same pixels twice. This lesson shows the changes, why they help, and where their help ends.

# %% [markdown] lang="ko"
# # 데이터 증식과 그 한계
#
# 적은 사진으로 훈련한 신경망은 금세 사진을 통째로 외웁니다. 데이터 증식은 에포크마다 사진을 조금씩 새로 바꾸어, 신경망이 같은 픽셀을
# 두 번 보지 않게 합니다. 이 수업에서는 어떤 변환이 있는지, 왜 도움이 되는지, 어디서 도움이 끝나는지 살펴봅니다.

# %% [markdown] lang="en"
# ## What data augmentation is
#
# Data augmentation makes new training pictures out of the ones you have: mirrored, moved, turned, enlarged, brighter or darker.
# The label stays. A cat in a mirror is still a cat.
#
# In this project `recipes.recipe.Augment` says how far each change may go, and `recipes.data.augment.augment` makes it. Each picture
# of a batch draws its own random numbers. Below, one change at a time is set to a fixed size and drawn once.

# %% [markdown] lang="ko"
# ## 데이터 증식이란
#
# 데이터 증식은 가진 사진으로 새 훈련 사진을 만드는 방법입니다. 좌우로 뒤집고, 옮기고, 돌리고, 확대하고, 밝기를 바꿉니다. 레이블은
# 그대로입니다. 거울에 비친 고양이도 고양이입니다.
#
# 이 프로젝트에서는 `recipes.recipe.Augment`가 각 변환의 최대 크기를 정하고, `recipes.data.augment.augment`가 사진을 바꿉니다. 배치의
# 사진마다 난수를 따로 뽑습니다. 아래에서는 변환을 하나씩만 켜고 한 번 뽑아 봅니다.

# %%
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_sample_image
from sklearn.neighbors import KNeighborsClassifier

import recipes
from recipes import Augment
from recipes.data.augment import augment
from recipes.data.samples import mnist_5k

photo = load_sample_image("flower.jpg")[60:420, 150:510]
changes = {
    "flip": Augment(flip=True),
    "shift": Augment(shift=0.2),
    "rotation": Augment(rotation=0.1),
    "zoom": Augment(zoom=0.4),
    "contrast": Augment(contrast=0.7),
    "brightness": Augment(brightness=0.8),
    "erase": Augment(erase=0.4),
}


def views(images, settings, number):
    """`number` augmented views of each image: (number x images, height, width, channels), 0-255."""
    drawn = [augment(tf.constant(images), tf.constant([3, view]), settings).numpy() for view in range(number)]
    return np.concatenate(drawn)


for name, settings in changes.items():
    print(f"{name:<12}{settings.key_facts()[name]}")

# %% tags=["hide-input"]
fig, axes = plt.subplots(2, 4, figsize=(9, 4.8), layout="constrained")
pictures = {"original": photo} | {name: views(photo[None], change, 1)[0] for name, change in changes.items()}
for axis, (name, picture) in zip(axes.flat, pictures.items(), strict=True):
    axis.imshow(np.clip(picture, 0, 255).astype("uint8"))
    axis.set_title(name)
    axis.axis("off")

# %% [markdown] lang="en"
# One photograph and seven changes of it. What moves out at one edge leaves a gap at the other; it is filled with the picture's own
# reflection. `erase` covers a square with grey, so that no single part of the picture decides alone.
#
# `rotation=0.1` means a tenth of a full circle to either side, 36 degrees at most. The other numbers are shares of the side or of
# the brightness.

# %% [markdown] lang="ko"
# 사진 한 장과 일곱 가지 변환입니다. 한쪽으로 밀려난 만큼 생긴 빈 곳은 사진을 거울처럼 비추어 채웁니다. `erase`는 회색 사각형으로 일부를
# 가려, 사진의 한 부분만으로 답을 정하지 못하게 합니다.
#
# `rotation=0.1`은 한 바퀴의 10분의 1, 곧 좌우로 최대 36도를 뜻합니다. 나머지 숫자는 변의 길이나 밝기에 대한 비율입니다.

# %% [markdown] lang="en"
# ## Why it holds overfitting back
#
# With 2,000 photos and 100 epochs, a network sees each photo 100 times. It can then learn marks of single photos: a twig in the
# corner, a spot on the wall. Training accuracy rises, validation accuracy stays. That is overfitting.
#
# With augmentation the twig is somewhere else each time, or gone. What stays the same in all views is what the photo shows. Below,
# eight views are drawn with the settings of the recipe `dogs_vs_cats_aug`.

# %% [markdown] lang="ko"
# ## 왜 과대적합을 줄이는가
#
# 사진 2,000장으로 100에포크를 훈련하면 신경망은 같은 사진을 100번씩 봅니다. 그러면 구석의 나뭇가지나 벽의 얼룩처럼 그 사진에만
# 있는 흔적을 외울 수 있습니다. 훈련 정확도는 오르는데 검증 정확도는 그대로입니다. 이것이 과대적합입니다.
#
# 증식을 쓰면 나뭇가지는 볼 때마다 다른 자리에 있거나 사라집니다. 모든 변환에서 그대로 남는 것은 사진에 담긴 대상입니다. 아래는
# `dogs_vs_cats_aug` 레시피의 설정으로 뽑은 여덟 장입니다.

# %%
settings = recipes.get("dogs_vs_cats_aug", "published").augment
print(settings)

# %% tags=["hide-input"]
fig, axes = plt.subplots(2, 4, figsize=(9, 4.6), layout="constrained")
for axis, picture in zip(axes.flat, views(photo[None], settings, 8), strict=True):
    axis.imshow(np.clip(picture, 0, 255).astype("uint8"))
    axis.axis("off")

# %% [markdown] lang="en"
# Eight views of one photograph. In 100 epochs the network would see 100 of them, and no two alike.
#
# Only training pictures are changed. Validation and test photos stay as they are, since they stand for the photos to come. And the
# changes are no part of the saved network: at prediction nothing is random.

# %% [markdown] lang="ko"
# 사진 한 장에서 뽑은 여덟 장입니다. 100에포크라면 신경망은 이런 사진을 100장 보며, 그 가운데 똑같은 것은 없습니다.
#
# 훈련 사진만 바꿉니다. 검증 사진과 테스트 사진은 앞으로 만날 사진을 대신하므로 그대로 둡니다. 증식은 저장한 신경망에 들어 있지 않으므로
# 예측할 때는 무작위로 바뀌는 것이 없습니다.

# %% [markdown] lang="en"
# ## Turn the dials
#
# <div class="widget" data-widget="augment" markdown="0"><p>Dials for mirroring, moving, turning, enlarging, contrast and brightness change a photograph as you turn them.</p></div>
#
# Turn each dial to its end. Where would you no longer name the picture? There the change is too strong for the network as well.

# %% [markdown] lang="ko"
# ## 다이얼 돌려 보기
#
# <div class="widget" data-widget="augment" markdown="0"><p>좌우 반전, 이동, 회전, 확대, 대비, 밝기 다이얼을 돌리면 사진이 바로 바뀝니다.</p></div>
#
# 다이얼을 하나씩 끝까지 돌려 보세요. 어디서부터 무엇인지 알아볼 수 없나요? 그곳부터는 신경망에게도 지나친 변환입니다.

# %% [markdown] lang="en"
# ## A change must keep the label
#
# Whether a change is right depends on the task. A mirrored cat is a cat, a mirrored 2 is no digit at all. A 6 that is turned by half
# a circle is a 9, and its label still says 6: the network learns something false.

# %% [markdown] lang="ko"
# ## 레이블이 그대로여야 한다
#
# 어떤 변환이 옳은지는 문제에 달렸습니다. 뒤집힌 고양이는 고양이지만, 뒤집힌 2는 숫자가 아닙니다. 6을 반 바퀴 돌리면 9가 되는데 레이블은
# 여전히 6입니다. 그러면 신경망은 틀린 것을 배웁니다.

# %% tags=["hide-input"]
digits, test, _ = mnist_5k()
two, six = (digits.pixels[digits.labels == label][0, ..., 0] for label in (2, 6))
shown = {"2": two, "2, mirrored": two[:, ::-1], "6": six, "6, turned by 180°": six[::-1, ::-1]}
fig, axes = plt.subplots(1, 4, figsize=(9, 2.5), layout="constrained")
for axis, (name, picture) in zip(axes, shown.items(), strict=True):
    axis.imshow(picture, cmap="gray")
    axis.set_title(name)
    axis.axis("off")

# %% [markdown] lang="en"
# Two digits and two changes that take their meaning away.

# %% [markdown] lang="ko"
# 숫자 두 개와, 뜻을 없애는 변환 두 가지입니다.

# %% [markdown] lang="en"
# ## The limit: copies are not new photos
#
# Augmentation only puts together anew what the photos hold already. No turning of one dog shows a dog of another breed. All views of
# a photo show the same animal, so they depend on each other.
#
# How much is a copy worth? Take 100 handwritten digits of the bundled sample. A nearest-neighbour classifier learns from them, from
# them and augmented copies, and from as many real digits. It is tested on 1,000 others.

# %% [markdown] lang="ko"
# ## 한계: 복사본은 새 사진이 아니다
#
# 데이터 증식은 이미 있는 정보를 다시 조합할 뿐입니다. 개 사진 한 장을 아무리 돌려도 다른 품종의 개가 나오지는 않습니다. 한 사진에서
# 나온 복사본은 모두 같은 개를 보여 주므로 서로 독립이 아닙니다.
#
# 복사본 한 장은 얼마나 도움이 될까요? 패키지에 들어 있는 손글씨 숫자 100장을 골랐습니다. 최근접 이웃 분류기를 이 100장으로,
# 여기에 증식한 복사본을 더한 것으로, 그만큼 많은 진짜 숫자로 각각 훈련합니다. 그리고 다른 숫자 1,000장으로 테스트합니다.


# %%
def accuracy(images, labels):
    """Share of the 1,000 test digits whose nearest neighbour has their label."""
    nearest = KNeighborsClassifier(1).fit(images.reshape(len(images), -1), labels)
    return nearest.score(test.pixels.reshape(len(test.pixels), -1), test.labels)


def with_copies(settings, copies):
    """Accuracy from 100 digits and so many augmented copies of each."""
    pictures = np.concatenate([digits.pixels[:100], views(digits.pixels[:100], settings, copies)])
    return accuracy(pictures, np.tile(digits.labels[:100], copies + 1))


small = Augment(shift=0.04, rotation=0.03, zoom=0.1)
wrong = Augment(shift=0.04, rotation=0.5, zoom=0.1, flip=True)
copies = (1, 3, 7, 15)
base = accuracy(digits.pixels[:100], digits.labels[:100])
lines = {
    "real digits": [accuracy(digits.pixels[: 100 * (n + 1)], digits.labels[: 100 * (n + 1)]) for n in copies],
    "100 digits, small changes": [with_copies(small, n) for n in copies],
    "100 digits, mirrored and turned": [with_copies(wrong, n) for n in copies],
}
print(f"{'pictures':<34}{'100':>7}" + "".join(f"{100 * (n + 1):>8,}" for n in copies))
for name, values in lines.items():
    print(f"{name:<34}{base:>7.3f}" + "".join(f"{value:>8.3f}" for value in values))

# %% tags=["hide-input"]
fig, axis = plt.subplots(figsize=(7, 3.8), layout="constrained")
for (name, values), marker in zip(lines.items(), "os^", strict=True):
    axis.plot([100, *(100 * (n + 1) for n in copies)], [base, *values], marker=marker, label=name)
axis.set_xscale("log")
axis.set_xticks([100, 200, 400, 800, 1600], ["100", "200", "400", "800", "1,600"])
axis.minorticks_off()
axis.set_xlabel("pictures")
axis.set_ylabel("test accuracy")
axis.grid(alpha=0.3)
axis.legend()

# %% [markdown] lang="en"
# Test accuracy by the number of pictures. Small changes help, and the help grows slowly. New digits help far more: 400 real
# ones beat 1,600 pictures that were made of 100. Changes that break the label do harm.
#
# So augmentation alone does not end overfitting. The second edition puts a [dropout](overfitting_and_dropout.md)
# layer before the last dense layer as well.

# %% [markdown] lang="ko"
# 사진 수에 따른 테스트 정확도입니다. 작은 변환은 도움이 되지만 그 효과는 천천히 커집니다. 새로운 숫자는 훨씬 큰 도움이 됩니다. 진짜
# 숫자 400장이 100장으로 만든 1,600장보다 낫습니다. 레이블이 틀리게 되는 변환은 오히려 해롭습니다.
#
# 따라서 증식만으로는 과대적합이 사라지지 않습니다. 그래서 책(2판)에서는 마지막 밀집층 앞에
# [드롭아웃](overfitting_and_dropout.md) 층도 함께 둡니다.

# %% [markdown] lang="en"
# ## On a frozen base it brings little
#
# A pretrained base has seen over a million photos, many of them mirrored and cropped. What it finds hardly changes when a photo is
# mirrored. So a new head on a [frozen base](feature_extraction.md) gains little from views. This project measured it on 4,000 photos
# of cats and dogs, by folds:

# %% [markdown] lang="ko"
# ## 동결한 기반 층에서는 효과가 작다
#
# 사전 훈련된 신경망은 백만 장이 넘는 사진을 이미 보았고, 그 가운데 많은 사진을 뒤집거나 자른 모습으로도 보았습니다. 그래서 사진을
# 뒤집어도 찾아내는 특성이 거의 바뀌지 않습니다. [동결한 합성곱 기반 층](feature_extraction.md) 위에 새 분류기를
# 훈련할 때는 증식으로 얻는 것이 적습니다. 고양이와 개 사진 4,000장을 교차 검증으로 재 본 결과입니다.

# %%
rows = json.loads(Path("results/bench/frozen_bases.json").read_text())["rows"]
print(f"{'efficientnet_lite0, 224 pixels':<34}{'accuracy':>10}{'95% interval':>20}{'minutes':>10}")
for row in rows:
    if (row["base"], row["size"], row["format"]) == ("efficientnet_lite0", 224, "bfloat16"):
        name = f"{row['views']} view(s), {'augmented' if row.get('augmented') else 'plain'}"
        low, high = row["interval"]
        print(f"{name:<34}{row['accuracy']:>10.4f}{f'{low:.4f} to {high:.4f}':>20}{row['minutes']:>10.1f}")

# %% [markdown] lang="en"
# The intervals overlap: no difference can be seen, and four views take several times as long. From scratch it is another matter. There
# the second edition reports about 0.70 without augmentation and 0.835 with it, on 2,000 photos.
#
# A change of the settings is tried by a command. This one mirrors and moves the pictures of `fashion_cnn`, and stops after a few
# steps:
#
# ```sh
# python -m recipes.run fashion_cnn --set augment.flip=true --set augment.shift=0.08 --smoke
# ```

# %% [markdown] lang="ko"
# 구간이 겹치므로 차이가 있다고 말할 수 없고, 네 번 변환하면 시간은 몇 배로 늘어납니다. 처음부터 훈련할 때는 다릅니다. 책(2판)은
# 사진 2,000장으로 증식 없이 약 0.70, 증식을 써서 0.835를 얻었습니다.
#
# 설정은 명령으로 바꾸어 볼 수 있습니다. 다음 명령은 `fashion_cnn`의 사진을 뒤집고 옮기며, 몇 단계만 훈련하고 멈춥니다.
#
# ```sh
# python -m recipes.run fashion_cnn --set augment.flip=true --set augment.shift=0.08 --smoke
# ```

# %% [markdown] lang="en"
# ## Check yourself
#
# ??? question "You tell road signs that point left from signs that point right. May you use flip, shift and brightness?"
#     Shift and brightness, yes: a sign that stands elsewhere, or in the shade, still points the same way. Flip, no: in a mirror left
#     becomes right, and the label would be wrong in half of the pictures.

# %% [markdown] lang="ko"
# ## 확인 문제
#
# ??? question "왼쪽을 가리키는 표지판과 오른쪽을 가리키는 표지판을 구별합니다. 좌우 반전, 이동, 밝기 변환을 써도 될까요?"
#     이동과 밝기는 써도 됩니다. 다른 자리에 있거나 그늘에 있어도 가리키는 방향은 같습니다. 좌우 반전은 안 됩니다. 거울에서는 왼쪽이
#     오른쪽이 되므로 사진 절반의 레이블이 틀리게 됩니다.

# %% [markdown] lang="en"
# ## In the books
#
# Deep Learning with Python, 2nd edition, section 8.2.5, and 3rd edition, chapter 8: the recipes `dogs_vs_cats_aug` and
# `dogs_vs_cats_gap`. There the changes are layers of the network, `RandomFlip`, `RandomRotation` and `RandomZoom`; here they come before
# it. All chapters are in [the list of books](../books.md).

# %% [markdown] lang="ko"
# ## 책에서는
#
# 《케라스 창시자에게 배우는 딥러닝》 2판 8.2.5절과 3판 8장이며, 레시피는 `dogs_vs_cats_aug`와 `dogs_vs_cats_gap`입니다. 책에서는
# `RandomFlip`, `RandomRotation`, `RandomZoom`이 신경망의 층이고, 여기서는 신경망에 들어가기 전에 사진을 바꿉니다. 모든 장은
# [책의 장마다 따라 하기](../books.md)에 있습니다.
