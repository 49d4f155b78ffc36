// Every word of the figures, English and Korean. A name in braces is filled in.
const SMALL_PICTURES = {
  picture: ["Picture", "그림"],
  edge: ["an edge", "에지"],
  square: ["a square", "사각형"],
  seven: ["a seven", "숫자 7"],
  cross: ["a cross", "가위표"],
};

const CLOTHES = {
  "T-shirt/top": "티셔츠",
  Trouser: "바지",
  Pullover: "스웨터",
  Dress: "드레스",
  Coat: "코트",
  Sandal: "샌들",
  Shirt: "셔츠",
  Sneaker: "스니커즈",
  Bag: "가방",
  "Ankle boot": "앵클 부츠",
};

const WORDS = {
  kernel: {
    ...SMALL_PICTURES,
    title: ["A kernel slides over a picture", "그림 위를 이동하는 커널"],
    kernel: ["Kernel", "커널"],
    vertical: ["vertical edges", "세로 에지"],
    horizontal: ["horizontal edges", "가로 에지"],
    sharpen: ["sharpen", "선명하게"],
    blur: ["blur", "흐리게"],
    same: ["leave as it is", "그대로"],
    own: ["your own", "직접 입력"],
    padding: ["Padding", "패딩"],
    stride: ["Stride", "스트라이드"],
    bias: ["Bias", "편향"],
    weight: ["Weight in row {row}, column {column}", "{row}행 {column}열 가중치"],
    products: ["Nine products", "곱한 값 아홉 개"],
    map: ["Feature map", "특성 맵"],
    move: ["Picture: arrow keys move the kernel", "그림: 화살표 키로 커널을 움직입니다"],
    moveOutput: ["Feature map: arrow keys choose a value", "특성 맵: 화살표 키로 값을 고릅니다"],
    sum: ["Row {row}, column {column}: sum + bias = ", "{row}행 {column}열: 합 + 편향 = "],
    play: ["Play", "재생"],
    stop: ["Stop", "멈춤"],
    step: ["Next step", "다음 칸"],
    size: [
      "Output size: ({side} + {spare} − 3) / {stride} + 1, rounded down = {out}, so {out} × {out}",
      "출력 크기: ({side} + {spare} − 3) / {stride} + 1을 내림하면 {out}, 따라서 {out} × {out}",
    ],
    channels: ["Input channels", "입력 채널"],
    filters: ["Filters", "필터 개수"],
    parameters: [
      "Parameters of such a layer: 3 × 3 × {channels} × {filters} + {filters} = {number}",
      "이런 층의 파라미터 개수: 3 × 3 × {channels} × {filters} + {filters} = {number}",
    ],
  },
  pooling: {
    ...SMALL_PICTURES,
    title: ["Pooling, and a picture that moves", "풀링과 그림의 이동"],
    window: ["Window", "풀링 크기"],
    right: ["Shift to the right", "오른쪽으로 이동"],
    down: ["Shift down", "아래로 이동"],
    input: ["Picture", "그림"],
    max: ["Max pooling", "최대 풀링"],
    mean: ["Average pooling", "평균 풀링"],
    shift: ["Picture: arrow keys shift it", "그림: 화살표 키로 그림을 옮깁니다"],
    here: [
      "Window in row {row}, column {column}: largest {max}, mean {mean}",
      "{row}행 {column}열의 영역: 최댓값 {max}, 평균 {mean}",
    ],
    kept: [
      "The shift changed {pixels} of {all} pixels, {max} of {of} maxima and {mean} of {of} means.",
      "이동으로 픽셀 {all}개 중 {pixels}개, 최댓값 {of}개 중 {max}개, 평균 {of}개 중 {mean}개가 바뀌었습니다.",
    ],
  },
  home: {
    title: ["fashion_cnn, live in your browser", "브라우저에서 동작하는 fashion_cnn"],
    choose: ["Choose a picture", "그림을 고르세요"],
    picture: ["{name}, picture {number}", "{name}, {number}번 그림"],
    answers: ["Probabilities", "확률"],
    right: [
      "It says {said}, and it is right. Your browser took {ms} ms.",
      "예측은 {said}, 정답과 같습니다. 브라우저에서 {ms} ms 걸렸습니다.",
    ],
    wrong: [
      "It says {said}, but this is: {truth}. Your browser took {ms} ms.",
      "예측은 {said}, 정답은 {truth}입니다. 브라우저에서 {ms} ms 걸렸습니다.",
    ],
    about: [
      "{parameters} parameters, trained on Fashion-MNIST; {accuracy}% of {images} test pictures are right.",
      "파라미터 {parameters}개를 패션 MNIST로 훈련했으며, 테스트 그림 {images}개의 정확도는 {accuracy}%입니다.",
    ],
  },
  network: {
    title: ["Inside fashion_cnn", "fashion_cnn 들여다보기"],
    choose: ["Choose a picture", "그림을 고르세요"],
    right: ["Shift to the right", "오른쪽으로 이동"],
    down: ["Shift down", "아래로 이동"],
    layer: ["Layer", "층"],
    input: ["Picture", "그림"],
    drag: ["Picture: drag it, or shift it with arrow keys", "그림: 끌거나 화살표 키로 옮깁니다"],
    point: ["Feature map: arrow keys choose a value", "특성 맵: 화살표 키로 값을 고릅니다"],
    map: ["Feature map {number}", "특성 맵 {number}"],
    maps: [
      "{layer}: {channels} feature maps of {height} × {width}",
      "{layer}: {height} × {width} 특성 맵 {channels}개",
    ],
    answers: ["Probabilities", "확률"],
    value: [
      "{layer}, map {map}, row {row}, column {column}: {value}. Its receptive field is {side} × {side} pixels; in the picture: rows {top} to {bottom}, columns {left} to {right}.",
      "{layer}, 특성 맵 {map}, {row}행 {column}열: {value}. 수용장은 {side} × {side} 픽셀이며, 그림에서는 {top}~{bottom}행, {left}~{right}열입니다.",
    ],
  },
  draw: {
    title: ["Draw a digit", "숫자를 그려 보세요"],
    here: ["Draw here", "여기에 그리세요"],
    seen: ["What the network gets", "신경망에 들어가는 입력"],
    answers: ["Probabilities", "확률"],
    board: [
      "Drawing board: arrow keys move the pen, space lowers and lifts it, Delete clears",
      "그림판: 화살표 키로 펜을 움직이고, 스페이스 키로 펜을 내리거나 올리며, Delete 키로 지웁니다",
    ],
    keys: [
      "Keyboard: focus the board; arrow keys move the pen, space lowers and lifts it, Delete clears.",
      "키보드: 그림판에서 화살표 키로 펜을 움직이고, 스페이스 키로 펜을 내리거나 올리며, Delete 키로 지웁니다.",
    ],
    clear: ["Clear", "지우기"],
    centred: ["Centre and scale as in MNIST", "MNIST처럼 가운데에 놓고 크기 맞추기"],
    examples: ["Or take a digit of MNIST", "또는 MNIST 숫자를 고르세요"],
    empty: ["The board is empty.", "그림판이 비어 있습니다."],
    said: ["mnist_functional says {digit} ({percent}%).", "mnist_functional의 예측: {digit} ({percent}%)"],
    about: [
      "{parameters} parameters, trained on MNIST; {accuracy}% of {images} test digits are right.",
      "파라미터 {parameters}개를 MNIST로 훈련했으며, 테스트 숫자 {images}개의 정확도는 {accuracy}%입니다.",
    ],
  },
  freeze: {
    title: ["The freeze ladder of VGG16", "VGG16의 동결 사다리"],
    choose: ["Train from this stage up to the head", "어느 스테이지부터 훈련할지 고르세요"],
    upFrom: ["{stage}", "{stage}"],
    trains: ["trains", "훈련"],
    frozen: ["frozen", "동결"],
    sum: [
      "Trainable: {number} of {all} parameters ({share}%)",
      "훈련되는 파라미터: 전체 {all}개 중 {number}개 ({share}%)",
    ],
    minutes: [
      "An epoch of 2,000 photos on {cores} cores: {plain} minutes with plain Keras, {kept} seconds on kept activations of the frozen part.",
      "사진 2,000장, 코어 {cores}개로 한 에포크: 케라스만 쓰면 {plain}분, 동결된 부분의 출력을 저장해 두고 쓰면 {kept}초",
    ],
    unmeasured: ["The minutes of this step were not measured.", "이 경우의 시간은 측정하지 않았습니다."],
    head: ["The head is", "머리(head)"],
    trained: ["trained already", "이미 훈련됨"],
    new: ["new, random weights", "새로 만든 무작위 가중치"],
    rate: ["Learning rate", "학습률"],
    compiled: ["compile() after the change", "변경 후 compile() 다시 호출"],
    linter: ["What the linter says", "린터의 경고"],
    stops: ["Stops", "중단"],
    warning: ["Warning", "경고"],
    clean: ["Nothing: this is ready to train.", "경고가 없습니다. 이대로 훈련할 수 있습니다."],
    "trainable-changed": [
      "",
      "컴파일한 뒤에 동결 상태가 바뀌었습니다. compile()을 다시 호출하지 않으면 fit()에 반영되지 않습니다.",
    ],
    "random-head": [
      "",
      "가중치가 무작위인 머리를 사전 훈련된 층과 함께 훈련하면 큰 그레이디언트가 학습된 특성을 망가뜨립니다. 머리를 먼저 훈련하세요.",
    ],
    "high-rate": ["", "사전 훈련된 층에 쓰기에는 학습률이 너무 높습니다. 1e-5부터 시작하세요."],
    "nothing-thawed": ["", "미세 조정에 쓰는 낮은 학습률인데 동결이 해제된 층이 없습니다."],
  },
  augment: {
    title: ["Augmentation dials", "데이터 증식 조절하기"],
    flip: ["Flip", "좌우 반전"],
    rotation: ["Rotation", "회전"],
    zoom: ["Zoom", "확대·축소"],
    shift: ["Translation", "이동"],
    contrast: ["Contrast", "대비"],
    again: ["New views", "다시 뽑기"],
    none: ["All to zero", "모두 0으로"],
    original: ["original", "원본"],
    view: ["view {number}", "증식 {number}"],
    credit: [
      "Each view is drawn at random, up to what the dials allow. Photo: danielbuechele, CC BY 2.0, by way of scikit-learn.",
      "정한 범위 안에서 매번 무작위로 바뀝니다. 사진: danielbuechele, CC BY 2.0 (scikit-learn 제공)",
    ],
  },
  features: {
    title: ["A photo becomes 1,280 numbers", "사진이 숫자 1,280개로"],
    choose: ["Choose a crop of a photo", "사진 조각을 고르세요"],
    part: ["crop {number}: {kind}", "조각 {number}: {kind}"],
    tower: ["tower", "탑"],
    trees: ["trees", "나무"],
    flower: ["flower", "꽃"],
    compare: ["Compare by", "비교 기준"],
    features: ["1,280 features", "특성 1,280개"],
    pixels: ["pixels", "픽셀"],
    numbers: [
      "Its 1,280 numbers: each a square, the brighter the larger",
      "이 조각의 숫자 1,280개: 밝을수록 큰 값입니다",
    ],
    nearest: ["The six nearest of the other {others}", "나머지 {others}개 중 가장 가까운 여섯"],
    distance: ["distance {value}", "거리 {value}"],
    here: [
      "{right} of these six show the same kind of thing. Over all crops it is {features}% by features and {pixels}% by pixels.",
      "여섯 중 {right}개가 같은 종류입니다. 모든 조각에서 이 비율은 특성으로 {features}%, 픽셀로 {pixels}%입니다.",
    ],
    credit: [
      "Features of efficientnet_lite0, trained on ImageNet. Photos: danielbuechele and vultilion, CC BY 2.0, by way of scikit-learn.",
      "ImageNet으로 훈련한 efficientnet_lite0의 특성입니다. 사진: danielbuechele, vultilion, CC BY 2.0 (scikit-learn 제공)",
    ],
  },
  dropout: {
    title: ["Dropout in training and answering", "훈련과 예측에서의 드롭아웃"],
    mode: ["The network is", "신경망의 상태"],
    training: ["training", "훈련"],
    answering: ["answering", "예측"],
    rate: ["Rate", "드롭아웃 비율"],
    again: ["Next batch", "다음 배치"],
    training_line: [
      "{kept} of {units} units are kept, each multiplied by 1 / (1 − {rate}) = {scale}. Their sum is {sum}.",
      "뉴런 {units}개 중 {kept}개가 남고, 남은 값은 1 / (1 − {rate}) = {scale}배가 됩니다. 합은 {sum}입니다.",
    ],
    answering_line: [
      "All {units} units are used as they are. Their sum is {plain}.",
      "뉴런 {units}개를 모두 그대로 사용합니다. 합은 {plain}입니다.",
    ],
    mean: [
      "Over {many} batches the sum is {mean} on average; without dropout it is {plain}.",
      "배치 {many}개에서 합의 평균은 {mean}이고, 드롭아웃이 없을 때의 합은 {plain}입니다.",
    ],
  },
};

export const isKorean = () => document.documentElement.lang.toLowerCase().startsWith("ko");

/** The words of a figure: `t("sum", { row: 1 })`. */
export function words(figure) {
  const table = WORDS[figure];
  return (key, values = {}) => {
    const text = table[key][isKorean() ? 1 : 0];
    return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  };
}

/** A class of Fashion-MNIST in the page's language; other names stay. */
export const className = (name) => (isKorean() && CLOTHES[name]) || name;
