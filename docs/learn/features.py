# %% [markdown] lang="en"
# # A photo becomes 1,280 numbers
#
# A network that has learned from a million photos turns any photo into a short list of numbers. Photos that show like
# things get like lists. With such lists you can search, sort and draw photos, and train a classifier in a second.

# %% [markdown] lang="ko"
# # 사진 한 장이 숫자 1,280개가 됩니다
#
# 사진 백만 장으로 훈련한 신경망은 어떤 사진이든 짧은 숫자 목록으로 바꿉니다. 비슷한 것이 찍힌 사진은 숫자도
# 비슷합니다. 이 숫자만 있으면 사진을 찾고, 나누고, 지도로 그리고, 1초 만에 분류기를 훈련할 수 있습니다.

# %% [markdown] lang="en"
# ## Features: the last maps, averaged
#
# EfficientNet-Lite0 makes 1,280 feature maps of 7x7 values from a photo of 224x224 pixels. Each map says how much of
# one thing there is, place by place. `GlobalAveragePooling2D` keeps the average of each map: *how much*, and no
# longer *where*. These 1,280 averages are the photo's **features**.
#
# Neither pixels nor classes are left in them. Pixels change when the camera moves; the 1,000 classes of ImageNet may
# not contain yours. The numbers in between say what was found.

# %% [markdown] lang="ko"
# ## 특성: 마지막 특성 맵의 평균
#
# EfficientNet-Lite0는 224x224 사진에서 7x7 크기의 특성 맵 1,280개를 만듭니다. 특성 맵 하나는 어떤 것이 자리마다
# 얼마나 있는지를 나타냅니다. `GlobalAveragePooling2D`는 특성 맵마다 평균만 남깁니다. '어디에'는 버리고 '얼마나'만
# 남기는 것입니다. 이 평균 1,280개가 그 사진의 **특성**(feature)입니다.
#
# 여기에는 픽셀도 클래스도 남아 있지 않습니다. 픽셀은 카메라를 조금만 움직여도 달라지고, 이미지넷의 클래스 1,000개에는 내가 나누려는
# 클래스가 없을 수도 있습니다. 그 중간에 있는 이 숫자들이 사진에서 무엇을 찾았는지 알려 줍니다.

# %%
from pathlib import Path

import numpy as np

import zoo

network = zoo.get("efficientnet_lite0", weights=None)
for name in ("image", "top_relu", "head_average"):
    print(f"{name:13}", *network.get_layer(name).output.shape[1:])

file = next(path for path in (Path("docs/learn/data/features.npz"), Path("data/features.npz")) if path.exists())
with np.load(file) as stored:
    features = stored["features"].astype("float32")
    labels, names = stored["labels"], stored["names"].tolist()
    photos = stored["palette"][stored["thumbnails"]]
print("features", features.shape, " photos", photos.shape, " classes", names)
print("first photo:", features[0, :8].round(2), "...")

# %% [markdown] lang="en"
# The file holds the features of 102 small photos, computed once with the trained weights. They are crops, none
# overlapping another, of two photographs that come with scikit-learn. A tower and trees are from china.jpg by
# danielbuechele, a flower from flower.jpg by vultilion (CC BY 2.0).

# %% [markdown] lang="ko"
# 이 파일에는 훈련된 가중치로 한 번 계산해 둔 작은 사진 102장의 특성이 들어 있습니다. 사이킷런에 들어 있는 사진 두
# 장을 서로 겹치지 않게 잘라 낸 것입니다. 탑(tower)과 나무(trees)는 danielbuechele의 china.jpg에서, 꽃(flower)은
# vultilion의 flower.jpg에서 왔습니다(CC BY 2.0).

# %% tags=["hide-input"]
import matplotlib.pyplot as plt

shown = [int(np.flatnonzero(labels == number)[place]) for number in range(3) for place in (4, 12)]
fig, axes = plt.subplots(len(shown), 2, figsize=(9, 4.2), layout="constrained", width_ratios=(1, 14))
for (left, right), photo in zip(axes, shown, strict=True):
    left.imshow(photos[photo])
    left.set_axis_off()
    right.imshow(features[photo, :256][None], "magma", aspect="auto", vmax=np.quantile(features, 0.99))
    right.set_xticks([])
    right.set_yticks([])

# %% [markdown] lang="en"
# Two photos of each class, and the first 256 of their 1,280 numbers; bright is much. Rows of one class have bright
# lines at the same places.

# %% [markdown] lang="ko"
# 클래스마다 사진 두 장과 그 숫자 1,280개 가운데 앞의 256개입니다. 밝을수록 큰 값입니다. 같은 클래스의 두 줄은 밝은
# 선의 자리가 비슷합니다.

# %% [markdown] lang="en"
# ## Why distance between features means likeness
#
# Two photos are near each other when the same maps answer. The usual measure is the *cosine*: 1 when two lists point
# the same way, 0 when they have nothing in common. It does not mind that one photo is brighter and all its answers
# stronger.
#
# The nearest neighbours of a photo are a search engine without words. For comparison the same is done with the
# pixels.

# %% [markdown] lang="ko"
# ## 특성의 거리가 닮은 정도인 이유
#
# 두 사진에서 같은 특성 맵이 반응하면 두 사진은 가깝습니다. 흔히 *코사인*으로 잽니다. 두 목록의 방향이 같으면 1이고, 공통점이
# 없으면 0입니다. 한 사진이 더 밝아서 모든 값이 커도 코사인은 달라지지 않습니다.
#
# 가장 가까운 사진을 찾으면 검색어 없이 찾는 검색 엔진이 됩니다. 비교해 보려고 픽셀로도 똑같이 해 봅니다.


# %%
def nearest(vectors):
    """For each photo, the others, the likest first."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -1)
    return np.argsort(-cosine, axis=1)


pixels = photos.reshape(len(photos), -1) / 255
by_features, by_pixels = nearest(features), nearest(pixels)
for name, order in (("pixels", by_pixels), ("features", by_features)):
    same = (labels[order[:, 0]] == labels).mean()
    print(f"by {name:8}: the nearest photo is of the same class for {100 * same:.0f}% of the photos")

# %% tags=["hide-input"]
wrong = np.flatnonzero((labels[by_pixels[:, 0]] != labels) & (labels[by_features[:, 0]] == labels))
asked = [int(wrong[labels[wrong] == number][0]) for number in range(3) if (labels[wrong] == number).any()]
fig, axes = plt.subplots(
    len(asked),
    10,
    figsize=(9, 0.95 * len(asked) + 0.3),
    layout="constrained",
    width_ratios=(1, 0.3, 1, 1, 1, 1, 0.3, 1, 1, 1),
)
for row, photo in zip(axes, asked, strict=True):
    cells = [photo, None, *by_features[photo, :4], None, *by_pixels[photo, :3]]
    for ax, cell in zip(row, cells, strict=True):
        ax.set_axis_off()
        if cell is not None:
            ax.imshow(photos[cell])
axes[0, 0].set_title("photo")
axes[0, 3].set_title("by features")
axes[0, 8].set_title("by pixels")

# %% [markdown] lang="en"
# Left a photo, in the middle its nearest four by features, right its nearest three by pixels. Pixels find photos with
# the same light and dark; features find the same thing.

# %% [markdown] lang="ko"
# 왼쪽은 찾는 사진, 가운데는 특성으로 찾은 가장 가까운 네 장, 오른쪽은 픽셀로 찾은 세 장입니다. 픽셀은 밝고 어두운
# 자리가 같은 사진을 찾고, 특성은 같은 것이 찍힌 사진을 찾습니다.

# %% [markdown] lang="en"
# ## Try it: a map of photos
#
# <div class="widget" data-widget="features" markdown="0"><p>A map of small photos, laid out by their features.
# Choosing a photo marks its nearest neighbours and shows its numbers.</p></div>

# %% [markdown] lang="ko"
# ## 해 보기: 사진 지도
#
# <div class="widget" data-widget="features" markdown="0"><p>작은 사진을 특성에 따라 늘어놓은 지도입니다. 사진을
# 고르면 가장 가까운 사진들이 표시되고 그 사진의 숫자가 나옵니다.</p></div>

# %% [markdown] lang="en"
# ## A map by principal components
#
# 1,280 numbers cannot be drawn, two can. Principal component analysis (PCA) finds the two directions in which the
# photos differ most.

# %% [markdown] lang="ko"
# ## 주성분 분석으로 그린 지도
#
# 숫자 1,280개는 그릴 수 없지만 두 개는 그릴 수 있습니다. 주성분 분석(PCA)은 사진들이 가장 크게 달라지는 두 방향을
# 찾습니다.

# %%
from sklearn.decomposition import PCA

pca = PCA(2).fit(features)
places = pca.transform(features)
print(f"of all differences between the photos the map shows {100 * pca.explained_variance_ratio_.sum():.0f}%")

# %% tags=["hide-input"]
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

fig, ax = plt.subplots(figsize=(8, 5), layout="constrained")
for number, name in enumerate(names):
    ax.scatter(*places[labels == number].T, s=420, marker="s", label=name)
for photo, place in zip(photos, places, strict=True):
    ax.add_artist(AnnotationBbox(OffsetImage(photo, zoom=0.5), place, frameon=False))
ax.set_xlabel("component 1")
ax.set_ylabel("component 2")
ax.spines[["top", "right"]].set_visible(False)
legend = ax.legend(frameon=False, markerscale=0.5)

# %% [markdown] lang="en"
# Each photo at its place on the map; the colour of the frame is its class. Nobody told PCA the classes: the groups
# are in the features.
#
# One orange frame lies among the blue ones. That crop was labelled trees, for the place it was cut from, and shows a
# roof. A photo among those of another class often carries a wrong label.

# %% [markdown] lang="ko"
# 사진마다 지도 위의 제자리에 그렸고, 테두리 색이 클래스입니다. 주성분 분석에는 클래스를 알려 주지 않았으니, 무리는
# 특성 안에 이미 있던 것입니다.
#
# 파란 테두리 사이에 주황색 테두리가 하나 있습니다. 잘라 낸 자리 때문에 나무(trees)로 적혔지만 실제로는 지붕이 찍혀
# 있습니다. 다른 클래스 사이에 놓인 사진은 레이블이 틀린 경우가 많습니다.

# %% [markdown] lang="en"
# ## A linear head on the features
#
# If like photos lie together, a straight cut is enough to part the classes. That is *logistic regression*: one dense
# layer with softmax on 1,280 inputs, and 1,280 × 3 + 3 = 3,843 parameters. Feature extraction trains just this and
# leaves the base alone.
#
# Here each photo is tested by a head that has not seen it. How many photos of each class does it need?

# %% [markdown] lang="ko"
# ## 특성 위의 선형 분류기
#
# 비슷한 사진이 모여 있다면 곧은 선 하나로도 클래스를 나눌 수 있습니다. 이것이 *로지스틱 회귀*입니다. 입력이
# 1,280개이고 소프트맥스를 쓰는 밀집층 하나와 같고, 파라미터는 1,280 × 3 + 3 = 3,843개입니다. 특성 추출은 바로 이 층만
# 훈련하고 나머지는 그대로 둡니다.
#
# 아래에서는 훈련에 쓰지 않은 사진으로만 시험합니다. 클래스마다 사진이 몇 장이나 필요할까요?

# %%
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

head = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, tol=0.01))
print("photos of each class   by pixels   by features")
for each in (1, 2, 5, 20):
    draws = StratifiedShuffleSplit(3, train_size=3 * each, test_size=42, random_state=7)
    scores = {"pixels": [], "features": []}
    for train, test in draws.split(features, labels):
        for name, vectors in (("pixels", pixels), ("features", features)):
            scores[name].append(head.fit(vectors[train], labels[train]).score(vectors[test], labels[test]))
    print(f"{each:20} {np.mean(scores['pixels']):11.2f} {np.mean(scores['features']):13.2f}")

# %% [markdown] lang="en"
# Mean accuracy over three draws of the training photos. All crops come from two photographs, so these classes are
# easy; on photos of your own expect less, and measure it.
#
# This is what `python -m recipes.run --data ~/photos` does first with [your own photos](../photos.md). It puts
# features of several bases under several heads, compares them by folds, and takes the best.

# %% [markdown] lang="ko"
# 훈련에 쓸 사진을 세 번 다르게 뽑아 얻은 정확도의 평균입니다. 모두 사진 두 장에서 잘라 냈으므로 나누기 쉬운
# 클래스입니다. 내 사진에서는 이보다 낮을 테니 직접 재 보세요.
#
# `python -m recipes.run --data ~/photos`가 [내 사진](../photos.md)으로 맨 먼저 하는 일이 이것입니다. 여러 신경망의
# 특성에 여러 분류기를 얹어 교차 검증으로 비교한 다음 가장 나은 것을 씁니다.

# %% [markdown] lang="en"
# ## Check yourself
#
# The average over 7x7 places throws away where a thing was. For which task would that be a mistake?
#
# ??? question "Answer"
#     Wherever the place is the answer: to count things, to outline them, to tell "cup left of the plate" from "cup
#     right of the plate". For "is there a flower?" it helps, because a flower counts wherever it stands.

# %% [markdown] lang="ko"
# ## 확인 문제
#
# 7x7 자리의 평균을 내면 그것이 어디에 있었는지는 사라집니다. 어떤 문제에서는 이렇게 하면 안 될까요?
#
# ??? question "정답"
#     위치가 곧 답인 문제입니다. 개수를 세거나, 윤곽을 따거나, '컵이 접시 왼쪽에 있다'와 '오른쪽에 있다'를 구별해야 할
#     때가 그렇습니다. '꽃이 있는가?'를 물을 때는 오히려 도움이 됩니다. 꽃은 어디에 있든 꽃이기 때문입니다.

# %% [markdown] lang="en"
# ## In the books
#
# - Deep Learning with Python, 2nd edition, section 8.3.1: feature extraction with VGG16, which keeps all places
#   (`Flatten`).
# - Deep Learning with Python, 3rd edition, chapter 8: the same with Xception and averaged maps.
# - Learning deep learning by making it alone, section 3-3: a new head on EfficientNet.
#
# Why only the convolutional base is reused: [feature extraction](feature_extraction.md).

# %% [markdown] lang="ko"
# ## 책에서는
#
# - 《케라스 창시자에게 배우는 딥러닝》 2판 8.3.1절: VGG16을 쓴 특성 추출. `Flatten`으로 모든 자리를 남깁니다.
# - 《케라스 창시자에게 배우는 딥러닝》 3판 8장: Xception과 평균 낸 특성 맵으로 하는 특성 추출
# - 《혼자 만들면서 공부하는 딥러닝》 3-3절: EfficientNet에 새 분류기 얹기
#
# 왜 합성곱 기반 층만 다시 쓰는지는 [특성 추출](feature_extraction.md)에서 다룹니다.
