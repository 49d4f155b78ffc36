// Every word of the figures, English and Korean. A name in braces is filled in.
const SMALL_PICTURES = {
  picture: ["Picture", "그림"],
  edge: ["an edge", "경계"],
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
    vertical: ["vertical edges", "수직 경계"],
    horizontal: ["horizontal edges", "수평 경계"],
    sharpen: ["sharpen", "선명하게"],
    blur: ["blur", "흐리게"],
    same: ["leave as it is", "그대로"],
    own: ["your own", "직접 입력"],
    padding: ["Padding", "패딩"],
    stride: ["Stride", "스트라이드"],
    bias: ["Bias", "절편"],
    weight: ["Weight in row {row}, column {column}", "{row}행 {column}열 가중치"],
    products: ["Nine products", "아홉 개의 곱"],
    map: ["Feature map", "특성 맵"],
    move: ["Picture: arrow keys move the kernel", "그림: 화살표 키로 커널을 움직입니다"],
    moveOutput: ["Feature map: arrow keys choose a value", "특성 맵: 화살표 키로 값을 고릅니다"],
    sum: ["Row {row}, column {column}: sum + bias = ", "{row}행 {column}열: 합 + 절편 = "],
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
